"""The door and drawer environments. Stored columns must give the reward of every task."""

import importlib.util
import shutil
import warnings
from types import SimpleNamespace

import gymnasium
import mujoco
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import envs
from cds_bench.behaviour.manipulation import expert, wide
from cds_bench.behaviour.rollout import episode
from envs import manipulation, sawyer
from envs.manipulation import DOOR, DRAWER

TASKS = sorted(manipulation.TASKS)
SOLVED = {  # Meta-World's conditions on the simulator's joints
    "door-open": ("doorjoint", lambda angle: angle <= -1.38),
    "door-close": ("doorjoint", lambda angle: angle >= -0.178),
    "drawer-open": ("goal_slidey", lambda position: position <= -0.15),
    "drawer-close": ("goal_slidey", lambda position: position >= -0.03),
}


@pytest.fixture(scope="module")
def made():
    """Every task's environment, with its time limit."""
    found = {task: envs.make(task) for task in TASKS}
    yield found
    for env in found.values():
        env.close()


def joint(env, name: str) -> float:
    return env.unwrapped.data.joint(name).qpos[0]


def rollout(env, seed: int, actions: np.ndarray) -> bytes:
    """The observations and rewards of fixed actions, as bytes."""
    observation, _ = env.reset(seed=seed)
    parts = [observation.tobytes()]
    for action in actions:
        observation, reward, *_ = env.step(action)
        parts += [observation.tobytes(), np.float64(reward).tobytes()]
    return b"".join(parts)


@pytest.mark.parametrize("task", TASKS)
def test_gymnasium_accepts_the_environment(task):
    env = envs.make(task)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*(infinity|not within the).*")  # as Walker2d-v5's
        check_env(env.unwrapped, skip_render_check=True)
    env.close()


@pytest.mark.parametrize("task", TASKS)
def test_ids_are_registered_with_the_horizon(task):
    env = gymnasium.make(f"envs.sawyer:{envs.TASKS[task].env_id}")
    assert env.spec.max_episode_steps == envs.TASKS[task].horizon == 500
    assert env.observation_space.shape == (24,)
    assert env.action_space == gymnasium.spaces.Box(-1.0, 1.0, (4,), np.float32)
    env.close()


def test_the_suite_has_the_recalled_recipes():
    sources = envs.SUITES["door-drawer"].sources
    assert {task: (source.quality, source.transitions) for task, source in sources.items()} == {
        "door-open": ("wide", 152_000),
        "door-close": ("demonstrations", 2_000),
        "drawer-open": ("demonstrations", 2_000),
        "drawer-close": ("wide", 152_000),
    }


@pytest.mark.parametrize("task", TASKS)
def test_same_seed_and_actions_give_the_same_bytes(made, task):
    """Neither earlier episodes nor another instance running meanwhile change them."""
    actions = np.random.default_rng(0).uniform(-1, 1, (60, 4)).astype(np.float32)
    first = rollout(made[task], 7, actions)
    other = envs.make("door-close")
    other.reset(seed=1)
    assert rollout(made[task], 8, actions) != first
    assert rollout(made[task], 7, actions) == first
    fresh = envs.make(task)
    observation, _ = fresh.reset(seed=7)
    parts = [observation.tobytes()]
    for action in actions:
        other.step(-action)
        observation, reward, *_ = fresh.step(action)
        parts += [observation.tobytes(), np.float64(reward).tobytes()]
    assert b"".join(parts) == first
    fresh.close()
    other.close()


@pytest.mark.parametrize("task", TASKS)
def test_columns_recompute_every_tasks_reward(made, task):
    """Rewards from the columns of one task's episode agree with the simulator's joints."""
    env = made[task]
    joints = {name: [] for name in ("doorjoint", "goal_slidey")}

    class Recorded(gymnasium.Wrapper):
        def step(self, action):
            result = super().step(action)
            for name, values in joints.items():
                values.append(joint(env, name))
            return result

    for seed in range(2):
        for values in joints.values():
            values.clear()
        columns = episode(Recorded(env), wide(task), np.random.default_rng(seed))
        assert len(columns["rewards"]) == 500
        np.testing.assert_array_equal(columns["rewards"], envs.TASKS[task].reward(columns))
        for other, (name, solved) in SOLVED.items():
            reward = envs.TASKS[other].reward(columns)
            np.testing.assert_array_equal(reward, solved(np.array(joints[name])), err_msg=other)
            assert not envs.TASKS[other].terminal(columns).any()
        assert not columns["terminals"].any()


@pytest.mark.parametrize("task", TASKS)
def test_starts_are_unsolved_and_vary(made, task):
    env = made[task]
    starts = []
    for seed in range(60):
        observation, info = env.reset(seed=seed)
        columns = {f"infos/{name}": np.array([value]) for name, value in info.items()}
        assert envs.TASKS[task].reward(columns)[0] == 0, seed
        assert env.unwrapped.data.ncon == 0, seed
        np.testing.assert_array_equal(observation[:12], observation[12:])
        starts.append(observation)
    other = {"door": 11, "drawer": 7}[task.split("-")[0]]
    threshold = {11: manipulation.DRAWER_OPEN, 7: manipulation.DOOR_OPEN}[other]
    opened = np.array(starts)[:, other] <= threshold
    assert 15 <= opened.sum() <= 45  # a fair coin, to four standard deviations
    assert (np.std(starts, axis=0)[[0, 1, 2, 4, 8]] > 0.01).all()  # hand and handles


def test_observations_show_both_objects(made):
    env = made["door-open"]
    before, _ = env.reset(seed=0)
    observation, _, _, _, info = env.step(np.zeros(4, np.float32))
    data = env.unwrapped.data
    np.testing.assert_array_equal(observation[:3], data.body("hand").xpos)
    np.testing.assert_array_equal(observation[4:7], data.geom("handle").xpos)
    np.testing.assert_array_equal(observation[8:11], data.geom("objGeom").xpos)
    assert (observation[7], observation[11]) == (info[DOOR], info[DRAWER])
    np.testing.assert_array_equal(observation[12:], before[:12])


def test_joints_resolve_by_name():
    """Meta-World's drawer-close writes qpos[9], which is the door's joint in this scene."""
    env = sawyer.DoorDrawer("drawer-close")
    assert {name: int(address) for name, address in env._qpos.items()} == {DOOR: 9, DRAWER: 10}
    for name, address in env._qpos.items():
        env.data.joint(sawyer.JOINTS[name]).qpos = -0.123
        assert env.data.qpos[address] == env._info()[name] == -0.123


@pytest.mark.parametrize("task", TASKS)
def test_working_on_one_object_never_moves_the_other(made, task):
    other = DRAWER if task.startswith("door") else DOOR
    for seed in range(4):
        columns = episode(made[task], expert(task), np.random.default_rng(seed), limit=250)
        assert columns["rewards"].max() == 1
        assert np.ptp(columns[f"infos/{other}"]) < 1e-6


def test_door_and_drawer_never_touch():
    """This holds at any angle and position, wherever an episode may place them."""
    env = sawyer.DoorDrawer("door-open")
    model, data = env.model, env.data
    objects = {
        name: {
            geom
            for geom in range(model.ngeom)
            if name in {model.body(body).name for body in _ancestors(model, geom)}
        }
        for name in sawyer.PLACES
    }
    rng = np.random.default_rng(0)
    for _ in range(200):
        env.reset(seed=int(rng.integers(2**31)))
        data.qpos[env._qpos[DOOR]] = rng.uniform(-2.0, 0.0)
        data.qpos[env._qpos[DRAWER]] = rng.uniform(-0.16, 0.0)
        mujoco.mj_forward(model, data)
        for contact in data.contact:
            assert not all({contact.geom1, contact.geom2} & geoms for geoms in objects.values())


def _ancestors(model, geom: int):
    body = model.geom_bodyid[geom]
    while body:
        yield body
        body = model.body_parentid[body]


def test_instances_share_one_model():
    assert sawyer.DoorDrawer("door-open").model is sawyer.DoorDrawer("drawer-open").model


def test_missing_metaworld_says_what_to_do(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(envs.WorldError, match=r"metaworld.*make setup.*3\.1\.1"):
        sawyer.scene.__wrapped__()


def test_missing_assets_are_named(monkeypatch, tmp_path):
    found = sawyer.assets()
    location = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: location)
    with pytest.raises(envs.WorldError, match=rf"{tmp_path}.*basic_scene\.xml.*3\.1\.1"):
        sawyer.scene.__wrapped__()
    for name in sawyer.FILES:  # only the descriptions, without meshes and textures
        (tmp_path / "assets" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(found / name, tmp_path / "assets" / name)
    with pytest.raises(envs.WorldError, match=rf"{tmp_path}.*compile.*make setup"):
        sawyer.scene.__wrapped__()


@pytest.mark.usefixtures("draws")
def test_rendering_shows_motion_and_changes_nothing():
    actions = np.random.default_rng(0).uniform(-1, 1, (10, 4)).astype(np.float32)
    env = envs.make("door-open", render_mode="rgb_array")
    env.reset(seed=0)
    first = env.render()
    for action in actions:
        observation, *_ = env.step(action)
    assert first.shape == (360, 480, 3)
    assert (first != env.render()).any()
    assert rollout(env, 0, actions)[-8 - observation.nbytes : -8] == observation.tobytes()
    env.close()
