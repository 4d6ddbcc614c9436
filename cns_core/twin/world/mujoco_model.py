"""The solids of a scene as a MuJoCo model: a mesh for every texture of a solid, unlit."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.geometry.camera import PinholeCamera
from cns_core.twin.world.solid import Face, Solid

SAMPLES = 4
"""Samples a pixel at edges, OpenGL's multisampling."""
_THIN_M = 1e-4
"""Thickness given to a single face, inwards: MuJoCo takes no flat mesh."""

_MODEL = """<mujoco>
<visual>
<global offwidth="{width}" offheight="{height}"/>
<quality offsamples="{samples}" shadowsize="0"/>
<headlight ambient="1 1 1" diffuse="0 0 0" specular="0 0 0"/>
<map znear="{near}" zfar="{far}"/>
</visual>
<statistic extent="1" center="0 0 0"/>
<asset>
{assets}
</asset>
<worldbody>
<camera name="eye" resolution="{width} {height}" focalpixel="{fx} {fy}" principalpixel="{cx} {cy}"
 sensorsize="{sensor_width} {sensor_height}"/>
{geoms}
</worldbody>
</mujoco>"""
_ASSET = """<texture name="t{n}" type="2d" file="t{n}.png"/>
<material name="m{n}" texture="t{n}" specular="0" shininess="0" reflectance="0"/>
<mesh name="s{n}" inertia="shell" vertex="{vertex}" texcoord="{texcoord}" face="{face}"/>"""
_GEOM = '<geom type="mesh" mesh="s{n}" material="m{n}" contype="0" conaffinity="0"/>'
_SENSOR_M = 1e-3


def model_of(
    solids: Iterable[Solid], camera: PinholeCamera, near_m: float, far_m: float
) -> tuple[str, dict[str, bytes]]:
    """MJCF text, and the files that it names, of ``solids`` seen by ``camera``.

    The scene's frame is MuJoCo's world; of the camera only the intrinsics are set.

    Args:
        near_m, far_m: depths between which anything is drawn.

    Raises:
        ValueError: of a camera with distortion.
    """
    if camera.distortion:
        raise ValueError("MuJoCo draws ideal pinhole cameras, this one has distortion")
    assets, geoms, files = [], [], {}
    for n, faces in enumerate(_groups(solids)):
        vertices, texcoords, triangles = _mesh(faces)
        image = faces[0].texture.levels[0]
        files[f"t{n}.png"] = cv2.imencode(".png", image)[1].tobytes()
        assets.append(
            _ASSET.format(
                n=n, vertex=_text(vertices), texcoord=_text(texcoords), face=_text(triangles)
            )
        )
        geoms.append(_GEOM.format(n=n))
    text = _MODEL.format(
        width=camera.width,
        height=camera.height,
        samples=SAMPLES,
        near=near_m,
        far=far_m,
        fx=camera.fx,
        fy=camera.fy,
        # MuJoCo tells where the image's middle lies from the principal point, left and up; our
        # pixel centres have integer coordinates.
        cx=0.5 * camera.width - 0.5 - camera.cx,
        cy=0.5 * camera.height - 0.5 - camera.cy,
        sensor_width=_SENSOR_M * camera.width,
        sensor_height=_SENSOR_M * camera.height,
        assets="\n".join(assets),
        geoms="\n".join(geoms),
    )
    return text, files


def _groups(solids: Iterable[Solid]) -> list[list[Face]]:
    """The faces of each solid by their texture: a round one has one photograph around it."""
    groups: list[list[Face]] = []
    for solid in solids:
        by_texture: dict[int, list[Face]] = {}
        for face in solid.faces:
            by_texture.setdefault(id(face.texture), []).append(face)
        groups += by_texture.values()
    return groups


def _mesh(
    faces: list[Face],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int_]]:
    """(V, 3) vertices, (V, 2) texture coordinates and (T, 3) triangles of faces of one texture."""
    vertices: list[NDArray[np.float64]] = []
    texcoords: list[NDArray[np.float64]] = []
    triangles: list[NDArray[np.int_]] = []
    for face in faces:
        loops = [face.loop]
        if len(faces) == 1:
            loops.append(face.loop - _THIN_M * face.normal)
        first, count = sum(map(len, vertices)), len(face.loop)
        fan = np.array([[0, i, i + 1] for i in range(1, count - 1)])
        triangles.append(first + fan)
        if len(loops) == 2:
            triangles.append(first + count + fan[:, ::-1])
            triangles.append(first + _walls(count))
        vertices += loops
        texcoords += [_texcoords(face)] * len(loops)
    return np.concatenate(vertices), np.concatenate(texcoords), np.concatenate(triangles)


def _walls(count: int) -> NDArray[np.int_]:
    """Triangles between an upper and a lower loop of ``count`` vertices each."""
    here = np.arange(count)
    after = (here + 1) % count
    return np.concatenate(
        [
            np.column_stack([here, here + count, after]),
            np.column_stack([after, here + count, after + count]),
        ]
    )


def _texcoords(face: Face) -> NDArray[np.float64]:
    """(K, 2) of the face's corners, (0, 0) where the texture's first texel begins."""
    axes = np.column_stack([face.edge_u, face.edge_v])
    return np.linalg.lstsq(axes, (face.loop - face.origin).T, rcond=None)[0].T


def _text(values: NDArray[np.number]) -> str:
    return " ".join(f"{value:.9g}" for value in values.ravel())
