"""Renders textured convex solids: exact perspective, occlusion by z-buffer, anti-aliased edges.

Both the texture coordinates and the inverse depth of a flat face follow from one homography of the
pixel, the inverse depth being affine in it. A convex body shows, in every pixel, the farthest of
the planes that face the camera, so no polygons have to be filled: comparing inverse depths gives
the faces, their crossings give the anti-aliasing.
"""

import math
from functools import cache, lru_cache

import cv2
import numpy as np

NEAR_M = 0.01
"""Nothing nearer than this in front of the camera is drawn."""

_BLOCK = 240  # pixels; within a block one texture level serves
_UNIT_GRID = np.array([(x, y, 1.0) for y in (0.0, 0.5, 1.0) for x in (0.0, 0.5, 1.0)])


class _Canvas:
    """Image and inverse-depth buffer of a view without distortion."""

    def __init__(self, width, height, background):
        self.image = np.empty((height, width, 3), np.uint8)
        cv2.rectangle(self.image, (0, 0), (width, height), background, cv2.FILLED)
        self.inverse_depth = np.zeros((height, width), np.float32)
        self.u, self.v = _pixel_grid(width, height)

    def affine(self, row, box):
        """Evaluate ``row @ (u, v, 1)`` over the pixels of ``box`` as float32."""
        x0, y0, x1, y1 = box
        u, v = self.u[y0:y1, x0:x1], self.v[y0:y1, x0:x1]
        return cv2.addWeighted(u, row[0], v, row[1], row[2])


@cache
def _pixel_grid(width, height):
    """Column and row index of every pixel, (H, W) float32 each."""
    u, v = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return u, v


def render(solids, T_sc, camera, background=(60, 60, 60)):
    """Render ``solids`` for a camera at pose ``T_sc`` (camera in the scene frame).

    Args:
        solids: iterable of :class:`~cns_core.twin.solid.Solid`, disjoint.
        T_sc: (4, 4) camera pose, z forward, x right, y down.
        camera: :class:`~cns_core.camera.PinholeCamera`; distortion is applied.
        background: BGR colour where nothing is hit.

    Returns:
        (H, W, 3) uint8 BGR image and (H, W) float32 inverse depth in 1/m, 0 where nothing is hit.
    """
    K, size, undistort = _ideal_view(camera)
    canvas = _Canvas(*size, background)
    for solid in sorted(solids, key=lambda s: -_distance(s, T_sc)):
        _draw(canvas, solid, T_sc, K)
    if undistort is None:
        return canvas.image, canvas.inverse_depth
    image = cv2.remap(canvas.image, *undistort, cv2.INTER_LINEAR)
    return image, cv2.remap(canvas.inverse_depth, *undistort, cv2.INTER_NEAREST)


def _distance(solid, T_sc):
    """Order of drawing: flat sheets first (they lie under everything), then far to near."""
    if len(solid.faces) == 1:
        return np.inf
    return np.linalg.norm(solid.centre - T_sc[:3, 3])


@lru_cache(8)
def _ideal_view(camera):
    """Intrinsics and size of the undistorted view to draw, and the maps that distort it."""
    if not camera.distortion:
        return camera.matrix, (camera.width, camera.height), None
    pixels = np.stack(np.meshgrid(np.arange(camera.width), np.arange(camera.height)), axis=-1)
    points = camera.normalize(pixels) * (camera.fx, camera.fy)
    low = np.floor(points.min(axis=0)) - 1
    size = np.ceil(points.max(axis=0) - low).astype(int) + 2
    K = np.array([[camera.fx, 0, -low[0]], [0, camera.fy, -low[1]], [0, 0, 1]])
    maps = (points - low).astype(np.float32).reshape(camera.height, camera.width, 2)
    return K, tuple(size), (maps[..., 0], maps[..., 1])


def _draw(canvas, solid, T_sc, K):
    """Draw one solid over what the canvas holds, where it is nearer."""
    R, t = T_sc[:3, :3], T_sc[:3, 3]
    front = np.flatnonzero(((t - solid.origins) * solid.normals).sum(axis=1) > 1e-6)
    if not len(front):
        return
    outlines = [_project_clipped((solid.faces[i].loop - t) @ R, K) for i in front]
    shown = [(i, outline) for i, outline in zip(front, outlines, strict=True) if len(outline)]
    if not shown:
        return
    edges = _hull_edges(np.concatenate([outline for _, outline in shown]))
    box = _pixel_box(np.concatenate([outline for _, outline in shown]), canvas.image.shape)
    if box is None or edges is None:
        return
    frames = solid.frames[front] - t[:, None] * (0.0, 0.0, 1.0)
    to_face = np.linalg.inv(K @ R.T @ frames)  # pixel -> (a, b, 1) / depth
    rows = dict(zip(front, to_face, strict=True))

    colour, inverse_depth = _body(canvas, solid, shown, rows, edges, box)
    _composite(canvas, colour, inverse_depth, _coverage(canvas, edges, box), box)


def _project_clipped(loop_c, K):
    """Pixels of a polygon given in the camera frame, cut at the near plane; (0, 2) if behind it."""
    if loop_c[:, 2].min() < NEAR_M:
        loop_c = _clip_near(loop_c)
        if not len(loop_c):
            return np.empty((0, 2))
    return (loop_c[:, :2] / loop_c[:, 2:]) * (K[0, 0], K[1, 1]) + K[:2, 2]


def _clip_near(loop):
    """Sutherland-Hodgman clipping of a polygon against the near plane."""
    kept = []
    for p, q in zip(loop, np.roll(loop, -1, axis=0), strict=True):
        if p[2] >= NEAR_M:
            kept.append(p)
        if (p[2] >= NEAR_M) != (q[2] >= NEAR_M):
            kept.append(p + (q - p) * (NEAR_M - p[2]) / (q[2] - p[2]))
    return np.array(kept).reshape(-1, 3)


def _hull_edges(points):
    """(E, 3) lines of the hull: ``line @ (u, v, 1)`` is how far inside a pixel lies, in pixels."""
    hull = cv2.convexHull(points.astype(np.float32))[:, 0].astype(float)
    step = np.roll(hull, -1, axis=0) - hull
    length = np.linalg.norm(step, axis=1)
    firm = length > 1e-3  # shorter ones carry only rounding
    if firm.sum() < 3:
        return None
    step, corner, length = step[firm], hull[firm], length[firm]
    normal = np.column_stack([-step[:, 1], step[:, 0]]) / length[:, None]
    lines = np.column_stack([normal, -(normal * corner).sum(axis=1)])
    middle = hull.mean(axis=0)
    return lines * np.sign(lines @ (*middle, 1.0))[:, None]


def _pixel_box(points, shape):
    """(x0, y0, x1, y1) of the pixels within one pixel of an outline, or None outside the image."""
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    x0, y0 = max(math.floor(left) - 1, 0), max(math.floor(top) - 1, 0)
    x1, y1 = min(math.ceil(right) + 2, shape[1]), min(math.ceil(bottom) + 2, shape[0])
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _grid(box):
    """(9, 3) homogeneous pixels spread over ``box``, its corners among them."""
    x0, y0, x1, y1 = box
    return _UNIT_GRID @ np.array([[x1 - 1.0 - x0, 0, 0], [0, y1 - 1.0 - y0, 0], [x0, y0, 1]])


def _coverage(canvas, edges, box):
    """How much of each pixel of ``box`` lies in the hull, or None where all of it does."""
    cover = None
    for line in edges[(_grid(box) @ edges.T).min(axis=0) < 0.5]:
        inside = canvas.affine(line + (0, 0, 0.5), box)
        cover = inside if cover is None else np.minimum(cover, inside)
    return None if cover is None else np.clip(cover, 0, 1)


def _body(canvas, solid, shown, rows, edges, box):
    """Colour and inverse depth of a convex solid over ``box``; meaningless outside its outline."""
    x0, y0, x1, y1 = box
    colour = np.zeros((y1 - y0, x1 - x0, 3), np.uint8)
    blank = np.ones(colour.shape[:2], np.float32)
    nearest = np.full(colour.shape[:2], np.inf, np.float32)
    drawn = []
    for i, outline in shown:
        part = _pixel_box(outline, canvas.image.shape)
        if part is None:
            continue
        view = (slice(part[1] - y0, part[3] - y0), slice(part[0] - x0, part[2] - x0))
        texture = solid.faces[i].texture
        if drawn:
            warped = np.empty_like(colour[view])
            _warp(warped, texture, rows[i], edges, part)
            alpha = np.maximum(_share(canvas, rows, i, drawn, part), blank[view])
            colour[view] = cv2.blendLinear(warped, colour[view], alpha, 1 - alpha)
        else:
            _warp(colour[view], texture, rows[i], edges, part)
        blank[view] = 0
        nearest[view] = np.minimum(nearest[view], canvas.affine(rows[i][2], part))
        drawn.append(i)
    return colour, nearest


def _share(canvas, rows, face, others, box):
    """How much of each pixel shows ``face`` rather than one of ``others`` of the same solid.

    Two planes meet where the difference of their inverse depths, affine in the pixel, is zero; over
    its gradient it is the distance to their common edge.
    """
    share = None
    for other in others:
        gap = rows[other][2] - rows[face][2]
        gap = gap / max(math.hypot(gap[0], gap[1]), 1e-12)
        ahead = canvas.affine(gap + (0, 0, 0.5), box)
        share = ahead if share is None else np.minimum(share, ahead)
    return np.clip(share, 0, 1)


def _warp(target, texture, to_face, edges, box):
    """Fill ``target`` with the texture seen through ``to_face``, block by block."""
    x0, y0, x1, y1 = box
    for top in range(y0, y1, _BLOCK):
        for left in range(x0, x1, _BLOCK):
            block = (left, top, min(left + _BLOCK, x1), min(top + _BLOCK, y1))
            points = _grid(block)
            margins = points @ edges.T
            if (margins.max(axis=0) < -0.5).any():
                continue  # wholly beyond one edge
            inside = points[margins.min(axis=1) > -0.5]
            middle = inside.sum(axis=0) / len(inside) if len(inside) else points[4]
            level = texture.level_for(_texels_per_pixel(texture, to_face, middle))
            shift = np.array([[1, 0, left], [0, 1, top], [0, 0, 1]], float)
            target[top - y0 : block[3] - y0, left - x0 : block[2] - x0] = cv2.warpPerspective(
                texture.levels[level],
                texture.to_texels[level] @ to_face @ shift,
                (block[2] - left, block[3] - top),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )


def _texels_per_pixel(texture, to_face, pixel):
    """Texels of the full-size texture under a pixel, along the most foreshortened direction."""
    a, b, w = (to_face @ pixel).tolist()
    if w <= 0:
        return math.inf
    (ax, ay, _), (bx, by, _), (wx, wy, _) = to_face.tolist()
    width, height = texture.size
    jxx, jxy = width * (ax * w - a * wx) / w**2, width * (ay * w - a * wy) / w**2
    jyx, jyy = height * (bx * w - b * wx) / w**2, height * (by * w - b * wy) / w**2
    # Largest singular value of the 2x2 Jacobian.
    trace = jxx**2 + jxy**2 + jyx**2 + jyy**2
    determinant = jxx * jyy - jxy * jyx
    return math.sqrt(0.5 * (trace + math.sqrt(max(trace**2 - 4 * determinant**2, 0.0))))


def _composite(canvas, colour, inverse_depth, cover, box):
    """Lay a solid over the canvas where it is nearer, mixing the pixels it covers in part."""
    x0, y0, x1, y1 = box
    image = canvas.image[y0:y1, x0:x1]
    depth = canvas.inverse_depth[y0:y1, x0:x1]
    nearer = cv2.compare(inverse_depth, depth, cv2.CMP_GT)
    if cover is None and nearer.all():
        image[:], depth[:] = colour, inverse_depth
        return
    alpha = nearer.astype(np.float32) / 255 if cover is None else cv2.copyTo(cover, nearer)
    image[:] = cv2.blendLinear(colour, image, alpha, 1 - alpha)
    np.copyto(depth, inverse_depth, where=alpha >= 0.5)


def cast(solids, T_sc, camera, pixels):
    """Exact depth along the optical axis at (N, 2) pixels, in m, inf where nothing is hit.

    Each ray is cut with the planes of every convex body; this shares nothing with :func:`render`.
    """
    rays = np.column_stack([camera.normalize(pixels), np.ones(len(pixels))]) @ T_sc[:3, :3].T
    depth = np.full(len(rays), np.inf)
    for solid in solids:
        hit = _enter(solid, T_sc[:3, 3], rays)
        depth = np.minimum(depth, hit)
    return depth


def _enter(solid, eye, rays):
    """Distance along each of (N, 3) rays to where it enters the solid, inf where it does not."""
    slope = rays @ solid.normals.T
    gap = ((solid.origins - eye) * solid.normals).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = gap / slope
    enter = np.where(slope < 0, crossing, -np.inf).max(axis=1)
    leave = np.where(slope > 0, crossing, np.inf).min(axis=1)
    outside = ((slope == 0) & (gap < 0)).any(axis=1)
    if len(solid.faces) == 1:
        face = solid.faces[0]
        at = eye + np.where(np.isfinite(enter), enter, 0)[:, None] * rays - face.origin
        for edge in (face.edge_u, face.edge_v):
            outside |= abs(at @ edge / (edge @ edge) - 0.5) > 0.5
    return np.where((enter > NEAR_M) & (enter <= leave) & ~outside, enter, np.inf)
