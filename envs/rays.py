"""Draws pictures by casting rays, without a window, GL or a graphics driver.

The same state always gives the same bytes. A pixel has the colour of the geom that its ray meets
first, shaded by the angle between the surface and the light. If a pixel shows the table, a second
ray, cast from the light, decides whether that point lies in shadow. Shadows show what is below the
gripper and how high the gripper is.
"""

import mujoco
import numpy as np

TYPES = mujoco.mjtGeom
AMBIENT, SHADOW = 0.65, 0.65  # brightness of surfaces turned from the light; of table in shadow


class Camera:
    """A fixed camera that looks at a table whose top is the plane z = 0.

    eye, target, light: points in metres; view: the vertical angle of view in radians; size: height
    and width in pixels; half: half the table's sides (x, y) in metres. table, backdrop: RGB in
    [0, 1]. Rays ignore geoms of group TABLE, because the table is drawn once, in advance.
    """

    TABLE = 1

    def __init__(self, eye, target, light, view, size, half, table, backdrop):
        self.eye, self.light = np.array(eye, float), np.array(light, float)
        self.size = size
        height, width = size
        forward = _unit(np.array(target, float) - self.eye)
        right = _unit(np.cross(forward, (0.0, 0.0, 1.0)))
        up = np.cross(right, forward)
        self._axes = np.stack([right, up, forward])
        self._focal = height / 2 / np.tan(view / 2)  # pixels
        x = np.arange(width) + 0.5 - width / 2
        y = height / 2 - (np.arange(height) + 0.5)
        plane = np.stack(np.broadcast_arrays(x, y[:, None], self._focal), axis=-1)
        self._rays = _unit(plane.reshape(-1, 3) @ self._axes)
        with np.errstate(divide="ignore"):
            far = np.where(self._rays[:, 2] < 0, -self.eye[2] / self._rays[:, 2], 0.0)
        ground = self.eye + far[:, None] * self._rays
        on_table = (far > 0) & (np.abs(ground[:, :2]) <= half).all(1)
        colours = np.where(on_table[:, None], table, backdrop)
        self._background = np.round(255 * colours).astype(np.uint8)
        self._shadowed = np.round(255 * SHADOW * colours).astype(np.uint8)
        self._on_table, self._ground = on_table, ground
        self._to_table = np.where(on_table, far, np.inf)
        self._groups = np.ones(6, np.uint8)
        self._groups[self.TABLE] = 0

    def draw(self, model: mujoco.MjModel, data: mujoco.MjData) -> np.ndarray:
        """The picture of a state, uint8 [height, width, 3]; its positions must be up to date."""
        geoms = np.flatnonzero(model.geom_group != self.TABLE)
        centres, radii = data.geom_xpos[geoms], model.geom_rbound[geoms]
        picture = self._background.copy()
        near = self._near(centres, radii)
        met, far = self._cast(model, data, self.eye, self._rays[near])
        # An object that has fallen off may be below the table, and then the table hides it.
        visible = (met >= 0) & (far < self._to_table[near])
        seen, far, met = near[visible], far[visible], met[visible]
        points = self.eye + far[:, None] * self._rays[seen]
        shade = AMBIENT + (1 - AMBIENT) * self._facing(model, data, met, points)
        picture[seen] = np.round(255 * model.geom_rgba[met, :3] * shade[:, None])
        free = self._on_table.copy()
        free[seen] = False
        # The shadow of a ball around p lies around the projection of p from the light.
        scale = self.light[2] / (self.light[2] - centres[:, 2])
        fallen = self.light + scale[:, None] * (centres - self.light)
        under = self._near(fallen, 1.1 * scale * radii)
        under = under[free[under]]
        towards = self._ground[under] - self.light
        met, far = self._cast(model, data, self.light, towards)
        dark = under[(met >= 0) & (far < 1.0)]
        picture[dark] = self._shadowed[dark]
        return picture.reshape(*self.size, 3)

    def _near(self, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
        """The pixels whose rays may meet one of the balls, ascending; centres [G, 3], radii [G]."""
        height, width = self.size
        x, y, depth = ((centres - self.eye) @ self._axes.T).T
        reach = self._focal * radii / (depth - radii) + 0.5  # a ball off the axis looks longer
        x = width / 2 + self._focal * x / depth
        y = height / 2 - self._focal * y / depth
        mask = np.zeros(self.size, bool)
        low_x, high_x = np.floor(x - reach), np.ceil(x + reach)
        low_y, high_y = np.floor(y - reach), np.ceil(y + reach)
        boxes = np.stack([low_y, high_y, low_x, high_x], 1).clip(0, max(self.size)).astype(int)
        for top, bottom, left, right in boxes.tolist():
            mask[top:bottom, left:right] = True
        return np.flatnonzero(mask)

    def _cast(self, model, data, origin, rays) -> tuple[np.ndarray, np.ndarray]:
        """The first geom that each ray [N, 3] meets, or -1, and its distance in ray lengths."""
        count = len(rays)
        met, far = np.full(count, -1, np.int32), np.zeros(count)
        if count:
            mujoco.mj_multiRay(
                model, data, origin, rays.ravel(), self._groups, 1, -1, met, far, count, 1e10
            )
        return met, far

    def _facing(self, model, data, geoms, points) -> np.ndarray:
        """The cosine between each point's normal and the light's direction, at least 0, [N]."""
        frames = data.geom_xmat[geoms].reshape(-1, 3, 3)
        local = np.einsum("nji,nj->ni", frames, points - data.geom_xpos[geoms])
        normal = normals(model.geom_type[geoms], model.geom_size[geoms], local)
        world = np.einsum("nij,nj->ni", frames, normal)
        return np.maximum((world * _unit(self.light - points)).sum(1), 0.0)


def normals(kinds: np.ndarray, sizes: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Outward unit normals [N, 3] at surface points [N, 3], in the frames of their geoms.

    kinds [N], sizes [N, 3]: types and sizes of the geoms in MuJoCo's conventions. The geoms may be
    boxes, cylinders, capsules, spheres and ellipsoids.
    """
    found = points / sizes.clip(1e-9) ** 2  # ellipsoids
    sphere = kinds == TYPES.mjGEOM_SPHERE
    found[sphere] = points[sphere]
    capsule = kinds == TYPES.mjGEOM_CAPSULE
    half = sizes[capsule, 1]
    found[capsule] = points[capsule]
    found[capsule, 2] -= points[capsule, 2].clip(-half, half)
    cylinder = kinds == TYPES.mjGEOM_CYLINDER
    radius, half = sizes[cylinder, 0], sizes[cylinder, 1]
    x, y, z = points[cylinder].T
    on_cap = np.abs(z) / half >= np.hypot(x, y) / radius
    found[cylinder] = np.stack([x * ~on_cap, y * ~on_cap, z * on_cap], axis=1)
    box = kinds == TYPES.mjGEOM_BOX
    share = points[box] / sizes[box]
    face = np.abs(share) == np.abs(share).max(1, keepdims=True)
    found[box] = np.sign(share) * face
    return _unit(found)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.sqrt(np.square(vectors).sum(-1, keepdims=True))
