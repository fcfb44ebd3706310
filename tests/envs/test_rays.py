"""Pictures of the tabletop: their rays, colours and shadows, drawn without GL."""

import os
import subprocess
import sys

import mujoco
import numpy as np
import pytest

import envs
from envs import rays, scenery, tabletop
from envs.vision import CONTAINERS, OBJECTS
from tests.envs.tabletops import put


def all_rays(monkeypatch, size):
    monkeypatch.setattr(rays.Camera, "_near", lambda self, *_: np.arange(size[0] * size[1]))


def test_no_ray_that_matters_is_left_out(made, monkeypatch):
    """Casting every ray gives the same picture, even if the gripper is low or things fall."""
    env, rng = made["place-divider-plate"], np.random.default_rng(0)
    states = []
    for seed in range(6):
        env.reset(seed=seed)
        world = env.unwrapped
        name = world.objects[0]
        put(env, name, (*rng.uniform(-0.25, 0.25, 2), rng.uniform(0.0, 0.25)))
        for _ in range(4):
            observation, *_ = env.step(rng.uniform(-1, 1, 4).astype(np.float32))
        states.append((world.model, world.data, observation))
    all_rays(monkeypatch, (48, 48))
    for model, data, observation in states:
        np.testing.assert_array_equal(tabletop.camera(48).draw(model, data), observation)


@pytest.mark.parametrize("name", OBJECTS)
def test_each_thing_is_seen_where_it_lies(name):
    """Removing an object changes the picture where it was."""
    pictures = []
    for z in (0.0, -5.0):
        model = scenery.scene((name,))
        data = mujoco.MjData(model)
        data.qpos[:3], data.joint(name).qpos[:3] = (0.15, 0.1, 0.18), (-0.1, 0.0, z)
        mujoco.mj_forward(model, data)
        pictures.append(tabletop.camera(48).draw(model, data))
    rows, columns = np.nonzero((pictures[0] != pictures[1]).any(2))
    assert len(rows) >= 20, "it is large enough to be recognised"
    assert columns.max() < 24
    assert (pictures[1][24:, :24] == pictures[1][-1, 0]).all(), (
        "objects below the table are not seen"
    )


def test_objects_have_colours_of_their_own():
    """The largest geoms of any two things differ in colour."""
    colours = []
    for name in (*OBJECTS, *CONTAINERS):
        model = scenery.scene((name,))
        own = np.flatnonzero(model.geom_bodyid == model.body(name).id)
        colours.append(model.geom_rgba[own[model.geom_rbound[own].argmax()], :3])
    gaps = np.abs(np.array(colours)[:, None] - np.array(colours)).max(2)
    assert gaps[~np.eye(len(gaps), dtype=bool)].min() > 0.1


def test_the_shadow_is_under_the_hand():
    model = scenery.scene(("can",))
    data = mujoco.MjData(model)
    dark = []
    for height in (0.18, 0.05):
        data.qpos[:3], data.joint("can").qpos[:3] = (0.0, 0.0, height), (0.0, 0.0, -5.0)
        mujoco.mj_forward(model, data)
        picture = tabletop.camera(48).draw(model, data)
        shadow = rays.SHADOW * picture[-1, 0]
        dark.append((np.abs(picture - shadow) <= 1).all(2))
    high, low = dark
    assert high.sum() > 5
    assert high.sum() > low.sum(), "the low hand hides its own shadow"
    assert np.ptp(np.nonzero(high)[0]) <= 4, "the shadow is a narrow strip"


@pytest.mark.parametrize(
    ("kind", "size", "point", "normal"),
    [
        ("SPHERE", (2, 0, 0), (0, 2, 0), (0, 1, 0)),
        ("BOX", (1, 2, 3), (0.5, -2, 1), (0, -1, 0)),
        ("CYLINDER", (1, 2, 0), (0.6, 0.8, 1.9), (0.6, 0.8, 0)),
        ("CYLINDER", (1, 2, 0), (0.3, 0.4, -2), (0, 0, -1)),
        ("CAPSULE", (1, 2, 0), (1, 0, 1.5), (1, 0, 0)),
        ("CAPSULE", (1, 2, 0), (0, 0.6, 2.8), (0, 0.6, 0.8)),
        ("ELLIPSOID", (1, 2, 3), (0, 0, -3), (0, 0, -1)),
        ("ELLIPSOID", (3, 1, 1), (3 / 2**0.5, 1 / 2**0.5, 0), (0.1**0.5, 0.9**0.5, 0)),
    ],
)
def test_normals(kind, size, point, normal):
    kinds = np.array([getattr(rays.TYPES, f"mjGEOM_{kind}")])
    found = rays.normals(kinds, np.array([size], float), np.array([point], float))
    np.testing.assert_allclose(found, [normal], atol=1e-9)


def test_pictures_need_no_gl():
    """Pictures are drawn even if MuJoCo is told not to load GL."""
    code = "import envs; print(envs.make('lift-can').reset(seed=0)[0].mean())"
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"MUJOCO_GL": "disable"},
        check=True,
    )
    assert float(result.stdout) > 50


def test_rendering_enlarges_the_same_view():
    env = envs.make("place-plate", render_mode="rgb_array")
    observation, _ = env.reset(seed=0)
    large = env.render()
    assert large.shape == (288, 288, 3)
    small = large.reshape(48, 6, 48, 6, 3).mean((1, 3))
    assert np.abs(small - observation).mean() < 10
    env.close()
