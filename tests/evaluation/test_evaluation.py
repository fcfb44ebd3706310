"""Evaluation: the numpy policy equals the trained one, and lockstep changes no episode."""

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file

import envs
from cds_bench.algorithms.networks import policy_distribution, q_values
from cds_bench.behaviour.navigation import Route, steer_point
from cds_bench.dataset.pool import load_pool, save_pool
from cds_bench.errors import BenchError
from cds_bench.evaluation.evaluate import evaluate, initial_values
from cds_bench.evaluation.policy import Policies, load_policies
from cds_bench.evaluation.rollout import Arena
from cds_bench.seeding import seed_of
from cds_bench.statistics.schema import read_scores
from cds_bench.storage import paths
from cds_bench.storage.files import read_json, write_json
from cds_bench.training.data import states, to_device
from envs.navigation import PLACES

KEY = ("walker2d-mixed", "cql", "cds", "0-1")


@pytest.fixture(scope="module")
def path(trained):
    return paths.run(trained, *KEY) / "policies.safetensors"


@pytest.fixture(scope="module")
def policies(path) -> Policies:
    """Trained policies with a larger last layer, so that actions differ between seeds."""
    found = load_policies(path)
    return dataclasses.replace(
        found, layers=[*found.layers[:-2], *(10 * x for x in found.layers[-2:])]
    )


def by_hand(policies: Policies, task: str, snapshot: int, seed: int, episode: int) -> float:
    """The return of one episode of one seed in its own environment."""
    world = envs.make(task)
    observation, _ = world.reset(seed=seed_of("evaluate", task, seed, episode) % 2**31)
    total, ended = 0.0, False
    one = np.zeros((len(policies.seeds), 1, observation.size))
    while not ended:
        one[seed, 0] = observation
        action = policies.act(snapshot, policies.tasks.index(task), one)[seed, 0]
        observation, reward, terminated, truncated, _ = world.step(action)
        total += reward
        ended = terminated or truncated
    return total


def rolled(arena: Arena, *which) -> dict[str, np.ndarray]:
    """The scores of a snapshot's episodes."""
    return arena.scores(arena.episodes(*which)[1])


def test_the_file_describes_its_contents(policies, trained):
    assert policies.steps == [0, 18, 20]
    assert policies.seeds == [0, 1]
    assert policies.tasks == trained.tasks()
    assert policies.pool == load_pool(paths.pool(trained, KEY[0])).sha256
    assert [layer.shape for layer in policies.layers] == [
        (3, 2, 20, 32), (3, 2, 1, 32), (3, 2, 32, 32), (3, 2, 1, 32), (3, 2, 32, 12), (3, 2, 1, 32),
    ]  # fmt: skip


@pytest.mark.parametrize("snapshot", [0, 2])
def test_actions_are_tanh_of_torchs_mean(path, trained, snapshot):
    pool = load_pool(paths.pool(trained, KEY[0]))
    observations = pool.observations[:40].reshape(2, 20, -1)
    parameters = {
        name: value[snapshot] for name, value in load_file(path).items() if len(name) == 2
    }
    for task in range(3):
        inputs = states(
            to_device(pool, "cpu", 0.99), torch.from_numpy(observations), torch.full((2, 20), task)
        )
        mean, _ = policy_distribution(parameters, inputs)
        actions = load_policies(path).act(snapshot, task, observations.astype(np.float64))
        assert actions.dtype == np.float32
        np.testing.assert_allclose(actions, mean.tanh(), atol=2e-6)


def test_initial_values_are_the_last_critics_and_the_discounted_return(path, trained):
    """Compared with torch's critics and a sum by hand."""
    pool, policies = load_pool(paths.pool(trained, KEY[0])), load_policies(path)
    first = pool.observations[:6].reshape(2, 3, -1).astype(np.float64)
    rewards = [[1.0, 2.0, 3.0], [0.0], [5.0], [1.0], [1.0], [1.0]]
    options = {"discount": 0.5, "reward_scale": 10.0, "reward_shift": -5.0}
    q, discounted = initial_values(policies, "jump", first, rewards, options)
    by_hand = [5 + 15 / 2 + 25 / 4, -5.0, 45.0]
    np.testing.assert_allclose(discounted, [np.mean(by_hand), 5.0])

    tensors = load_file(path)
    critic = {name[7:]: value for name, value in tensors.items() if name.startswith("critic_")}
    task = torch.full((2, 3), trained.tasks().index("jump"))
    seen = states(to_device(pool, "cpu", 0.99), torch.from_numpy(first).float(), task)
    actions = torch.from_numpy(policies.act(2, trained.tasks().index("jump"), first))
    values = q_values(critic, seen, actions.unsqueeze(2)).amin(1).squeeze(-1)
    np.testing.assert_allclose(q, values.mean(1), rtol=1e-4, atol=1e-5)
    alone, _ = initial_values(policies.of([1]), "jump", first[1:], rewards[3:], options)
    np.testing.assert_allclose(alone, q[1:], rtol=1e-5)


def test_task_seed_and_snapshot_choose_the_policy(policies):
    observations = np.ones((2, 1, 17))
    first = policies.act(2, 0, observations)
    assert not np.allclose(first[0], first[1])
    assert not np.allclose(first, policies.act(2, 1, observations))
    assert not np.allclose(first, policies.act(0, 0, observations))


# On some processors, the rounding of a matrix product depends on its number of rows. Legs on
# the ground amplify it. The returns of different episodes differ by more than 2 %.
ROUNDING = 0.005


@pytest.mark.parametrize("task", ["run-forward", "jump"])
def test_lockstep_equals_stepping_each_episode_alone(policies, task):
    found = rolled(Arena(task, [0, 1], 3), policies, 2, 3)["return"]
    expected = [[by_hand(policies, task, 2, seed, e) for e in range(3)] for seed in range(2)]
    np.testing.assert_allclose(found, expected, rtol=ROUNDING)
    assert len(np.unique(found)) == found.size


def test_returns_repeat_and_fewer_episodes_are_the_first_ones(policies):
    arena = Arena("jump", [0, 1], 3)
    first = rolled(arena, policies, 2, 3)["return"]
    np.testing.assert_array_equal(rolled(arena, policies, 2, 3)["return"], first)
    fewer = rolled(arena, policies, 2, 1)["return"]
    np.testing.assert_allclose(fewer, first[:, :1], rtol=ROUNDING)


def test_starts_depend_only_on_seed_and_episode(policies):
    """The same weights give the same returns from the same starts, and others from other starts.

    Starts do not depend on which seeds are evaluated together, so every method has the same ones.
    """
    same = [np.repeat(layer[:, :1], 2, axis=1) for layer in policies.layers]
    twins = dataclasses.replace(policies, layers=same)
    apart = rolled(Arena("jump", [0, 1], 3), twins, 1, 3)["return"]
    assert len(np.unique(apart)) == 6, "every episode of every seed starts differently"
    together = rolled(Arena("jump", [1, 1], 3), twins, 1, 3)["return"]
    np.testing.assert_allclose(together, apart[[1, 1]], rtol=1e-6)


class Navigator:
    """Replaces the policies of a maze. Seed 0 walks to the goal, and seed 1 never arrives."""

    def __init__(self, task: str):
        self.tasks = [task]
        self.place = PLACES[task]

    def act(self, snapshot: int, task: int, observations: np.ndarray) -> np.ndarray:
        actions = np.zeros((*observations.shape[:2], 2), np.float32)
        for e, state in enumerate(observations[0]):
            route = Route(self.place.maze, self.place.goal)
            route.waypoint(state[:2])
            route.left = route.left[1:] or route.left  # not back to the centre of its own cell
            actions[0, e] = steer_point(state, route.waypoint(state[:2])).clip(-1, 1)
        return actions


def test_maze_episodes_end_at_different_steps_and_stay_ended():
    """An episode ends when it reaches its goal. Episodes that never do last the whole horizon."""
    task = "pointmaze-medium-16-20"
    found = rolled(Arena(task, [0, 1], 3), Navigator(task), 0, 3)
    assert found.keys() == {"success", "success_at_end"}
    policies, steps = Navigator(task), []
    for e in range(3):
        world, done, rewards = envs.make(task), False, []
        state, _ = world.reset(seed=seed_of("evaluate", task, 0, e) % 2**31)
        while not done:
            state, reward, terminated, truncated, _ = world.step(
                policies.act(0, 0, state[None, None])[0, 0]
            )
            rewards.append(reward)
            done = terminated or truncated
        steps.append(len(rewards))
        assert found["success"][0, e] == max(rewards) == 1.0
        assert found["success_at_end"][0, e] == rewards[-1] == 1.0
        world.close()
    assert len(set(steps)) > 1
    assert max(steps) < 1000
    assert not found["success"][1].any()


class Scripted:
    """An environment with given rewards. Stepping it after its end fails."""

    def __init__(self, rewards):
        self.rewards = rewards

    def reset(self, seed):
        self.left = list(self.rewards)
        return np.zeros(4), {}

    def step(self, action):
        reward = self.left.pop(0)
        return np.zeros(4), reward, False, not self.left, {}


@pytest.mark.parametrize(
    ("rewards", "success", "at_end"),
    [([0, 0, 0], 0, 0), ([0, 1, 0], 1, 0), ([0, 1, 1, 1], 1, 1), ([0, 0, 1], 1, 1), ([1], 1, 1)],
)
def test_success_at_any_time_and_at_the_end(monkeypatch, rewards, success, at_end):
    lengths = iter([rewards, [0.0] * 6])
    monkeypatch.setattr(envs, "make", lambda task: Scripted(next(lengths)))
    task = "pointmaze-medium-16-20"
    found = rolled(Arena(task, [0], 2), Navigator(task), 0, 2)
    assert found["success"].tolist() == [[success, 0.0]]
    assert found["success_at_end"].tolist() == [[at_end, 0.0]]


def test_scores_of_a_run(trained, policies, path):
    evaluate(trained, *KEY)
    table = pd.read_csv(paths.run_scores(trained, *KEY))
    assert len(table) == 3 * 3 * 2, "tasks, snapshots, seeds"
    assert set(map(tuple, table[["step", "episodes"]].to_numpy())) == {(0, 1), (18, 2), (20, 2)}
    assert set(table.metric) == {"return"}
    reference = read_json(paths.references(trained, "jump"))
    row = table[(table.task == "jump") & (table.step == 20) & (table.seed == 1)].iloc[0]
    plain = load_policies(path)
    expected = np.mean([by_hand(plain, "jump", 2, 1, episode) for episode in range(2)])
    assert row.score == pytest.approx(expected, rel=1e-6)
    random, expert = (reference[name]["mean"] for name in ("random", "expert"))
    normalised = (expected - random) / (expert - random)
    assert row.normalized_score == pytest.approx(normalised, rel=1e-6)


@pytest.mark.parametrize("failed", [[0], [0, 1]])
def test_failed_seeds_have_no_scores(trained, tmp_path, failed):
    """The other seed's scores do not change. If all seeds failed, the files have only headers."""
    config = trained.model_copy(update={"results": str(tmp_path)})
    shutil.copytree(trained.results, tmp_path, dirs_exist_ok=True)
    evaluate(config, *KEY)
    whole = [pd.read_csv(place(config, *KEY)) for place in (paths.run_scores, paths.run_values)]
    file = paths.run(config, *KEY) / "run.json"
    write_json(
        file,
        read_json(file)
        | {"failures": [{"seed": seed, "step": 1, "reason": "x"} for seed in failed]},
    )
    evaluate(config, *KEY)
    for before, place in zip(whole, (paths.run_scores, paths.run_values), strict=True):
        found = pd.read_csv(place(config, *KEY))
        left = before[~before["seed"].isin(failed)].reset_index(drop=True)
        assert list(found) == list(before)
        if len(left):
            pd.testing.assert_frame_equal(found, left, rtol=1e-6)
        else:
            assert found.empty
    assert len(read_scores(paths.run_scores(config, *KEY))) == 18 - 9 * len(failed)


def test_another_pool_is_refused(trained, tmp_path):
    config = trained.model_copy(update={"results": str(tmp_path)})
    folder = paths.run(config, *KEY)
    folder.mkdir(parents=True)
    source = paths.run(trained, *KEY) / "policies.safetensors"
    (folder / source.name).write_bytes(source.read_bytes())
    pool = load_pool(paths.pool(trained, KEY[0]))
    save_pool(paths.pool(config, KEY[0]), dataclasses.replace(pool, rewards=pool.rewards + 1))
    with pytest.raises(BenchError, match=r"policies\.safetensors: was trained on another pool"):
        evaluate(config, *KEY)
    assert not paths.run_scores(config, *KEY).exists()


def test_damaged_policies_are_refused(path, tmp_path):
    whole, damaged = path.read_bytes(), tmp_path / "policies.safetensors"
    with pytest.raises(BenchError, match=r"policies\.safetensors: not readable"):
        load_policies(damaged)
    for share in (0.0, 0.1, 0.9):
        damaged.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(BenchError, match=r"not readable .* delete it and train again"):
            load_policies(damaged)


def test_another_safetensors_file_is_refused(tmp_path):
    save_file({"steps": np.arange(3)}, tmp_path / "policies.safetensors")
    with pytest.raises(BenchError, match=r"does not hold a run's policies: 'run' is missing"):
        load_policies(tmp_path / "policies.safetensors")
