"""Builds the Python side of the interfaces as a wheel, where no ROS is installed.

With ROS, colcon builds this package from CMakeLists.txt and this file is not used. Here rosidl's
generators write the same Python classes and C type support, and all C becomes one module on
CPython's stable interface: one wheel for every Python from 3.10 on. README.md says how.
"""

import os
import shutil
import sys
from pathlib import Path

from setuptools import Extension, setup

PACKAGE = "cns_interfaces"
HERE = Path(__file__).resolve().parent
PREFIX = Path(os.environ.get("ROS_WHEELS_PREFIX", sys.prefix))
GENERATED = HERE / "build" / "generated"
TYPESUPPORTS = ["rosidl_typesupport_fastrtps_c", "rosidl_typesupport_introspection_c"]
DEPENDENCIES = (
    *("action_msgs", "builtin_interfaces", "geometry_msgs", "service_msgs"),
    "unique_identifier_msgs",
)


def interfaces():
    """The interfaces below this folder, as CMakeLists.txt names them: action/Servo.action, ..."""
    kinds = ("action", "msg", "srv")
    return sorted(f"{kind}/{path.name}" for kind in kinds for path in HERE.glob(f"{kind}/*.{kind}"))


def as_idl():
    """Write the interfaces as IDL; what rosidl's generators call them."""
    from rosidl_adapter.action import convert_action_to_idl
    from rosidl_adapter.msg import convert_msg_to_idl
    from rosidl_adapter.srv import convert_srv_to_idl

    convert = {
        "action": convert_action_to_idl,
        "msg": convert_msg_to_idl,
        "srv": convert_srv_to_idl,
    }
    root = GENERATED / "idl" / PACKAGE
    for file in map(Path, interfaces()):
        convert[file.parent.name](HERE, PACKAGE, file, root / file.parent)
    return [f"{root}:{Path(file).with_suffix('.idl')}" for file in interfaces()]


def generate():
    """Let rosidl write everything below build/generated, a folder for each generator."""
    os.environ.setdefault("AMENT_PREFIX_PATH", str(PREFIX))
    # Of the generators' distributions, and here alone: this file is also read for its metadata.
    from rosidl_generator_c.cli import GenerateC
    from rosidl_generator_py.cli import GeneratePython
    from rosidl_typesupport_c.cli import GenerateCTypesupport
    from rosidl_typesupport_fastrtps_c.cli import GenerateFastRTPSCTypesupport
    from rosidl_typesupport_introspection_c.cli import GenerateIntrospectionCTypesupport

    shutil.rmtree(GENERATED, ignore_errors=True)
    files = as_idl()
    for generator in (
        GenerateC("c"),
        GenerateFastRTPSCTypesupport("fastrtps_c"),
        GenerateIntrospectionCTypesupport("introspection_c"),
        GenerateCTypesupport("dispatch", typesupport_implementations=TYPESUPPORTS),
        GeneratePython("py", typesupport_implementations=["rosidl_typesupport_c"]),
    ):
        out = GENERATED / generator.name / PACKAGE
        generator.generate(PACKAGE, files, [str(PREFIX / "share")], out)


def module():
    """All that was generated in C and C++ as one module, where rclpy looks for it."""
    packages = (PACKAGE, *DEPENDENCIES)
    kinds = ("rosidl_generator_c", "rosidl_generator_py", "rosidl_typesupport_c", *TYPESUPPORTS)
    generated = sorted(
        str(path.relative_to(HERE)) for end in ("*.c", "*.cpp") for path in GENERATED.rglob(end)
    )
    return Extension(
        f"{PACKAGE}.{PACKAGE}_s__rosidl_typesupport_c",
        ["wheel_build/dispatch.c", *generated],
        include_dirs=[
            str(HERE / "wheel_build"),
            *(str(folder) for root in (GENERATED, PREFIX / "include") for folder in root.iterdir()),
        ],
        library_dirs=[str(PREFIX / "lib")],
        libraries=[
            *(f"{package}__{kind}" for package in packages[1:] for kind in kinds),
            *("rosidl_runtime_c", "rosidl_typesupport_c", *TYPESUPPORTS),
            *("rosidl_typesupport_fastrtps_cpp", "fastcdr", "rcutils"),
        ],
        extra_compile_args=[
            *("-include", "one_module.h", "-fvisibility=hidden", "-g0"),
            "-Werror=implicit-function-declaration",  # what is not in the stable interface
        ],
        extra_link_args=["-Wl,--as-needed", "-Wl,-s"],
        define_macros=[("Py_LIMITED_API", "0x030A0000"), ("NDEBUG", None)],
        py_limited_api=True,
    )


def is_built():
    """Whether this call shall give a wheel, and not only metadata."""
    return any(word in sys.argv for word in ("bdist_wheel", "build", "build_ext", "install"))


if is_built():
    generate()
setup(
    packages=[PACKAGE, *(f"{PACKAGE}.{kind}" for kind in ("action", "msg", "srv"))] * is_built(),
    package_dir={PACKAGE: f"build/generated/py/{PACKAGE}"},
    ext_modules=[module()] if is_built() else [],
    data_files=[
        (f"share/{PACKAGE}", ["package.xml"]),
        *((f"share/{PACKAGE}/{Path(file).parent}", [file]) for file in interfaces()),
        ("share/ament_index/resource_index/packages", [f"wheel_build/{PACKAGE}"]),
    ],
    options={"bdist_wheel": {"py_limited_api": "cp310"}},
)
