"""The snapshots of each quality, and checks that the provenance describes the policy file."""

import pytest

import envs
from cds_bench.behaviour import locomotion, qualities
from cds_bench.behaviour.locomotion import snapshots
from cds_bench.behaviour.policy import policy_sha256
from cds_bench.config import Config
from cds_bench.errors import BenchError
from cds_bench.storage import paths
from cds_bench.storage.files import read_json, write_json


@pytest.mark.parametrize(
    ("mean_returns", "medium", "expert"),
    [
        ([0, 10, 30, 90], 2, 3),  # exactly a third
        ([0, 28, 60, 90], 1, 3),  # the predecessor is nearer
        ([0, 10, 35, 90], 2, 3),  # the first that reaches it is nearer
        ([0, 60, 30, 90], 0, 3),  # later ones do not count even if nearer; a tie takes the earlier
        ([50, 90], 0, 1),  # the first snapshot has no predecessor
        ([90, 90], 0, 0),  # the first of equals
        ([-500, 90, 20], 1, 1),  # the expert itself, because no snapshot lies between
    ],
)
def test_medium_and_expert(mean_returns, medium, expert):
    assert qualities.indices(mean_returns, "expert") == [expert]
    assert qualities.indices(mean_returns, "medium") == [medium]
    assert qualities.indices(mean_returns, "medium-replay") == list(range(medium + 1))


@pytest.mark.parametrize("mean_returns", [[-3, -1], [0]])
def test_no_medium_without_a_positive_return(mean_returns):
    with pytest.raises(ValueError, match="a third of it marks"):
        qualities.medium(mean_returns)


def test_the_frozen_expert_of_jump_hops():
    """It is off the ground in at least a quarter of its steps; standing never gives its return."""
    policy = snapshots(Config(), "jump", "expert")[0].policy
    world = envs.make("jump")
    returns, airborne = [], []
    for episode in range(4):
        observation, _ = world.reset(seed=episode)
        returns.append(0.0)
        ended = False
        while not ended:
            observation, reward, terminated, truncated, _ = world.step(policy.act(observation))
            returns[-1] += reward
            airborne.append(world.unwrapped.airborne)
            ended = terminated or truncated
    assert sum(airborne) / len(airborne) >= 0.25
    assert sum(returns) / len(returns) >= 1400


def test_snapshots_are_those_of_the_file(make_config, random_policy, tmp_path):
    config = make_config(tmp_path)
    replay = snapshots(config, "jump", "medium-replay")
    assert [snapshot.step for snapshot in replay] == [0, 100, 200]
    assert [policy_sha256(s.policy) for s in replay] == [
        policy_sha256(random_policy(k)) for k in (1, 2, 3)
    ]
    assert snapshots(config, "jump", "medium")[0].step == 200
    assert snapshots(config, "jump", "expert")[0].step == 300


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sha256": "0" * 64}, "jump.safetensors: SHA-256 is .* but jump.json describes 0000"),
        ({"mean_return": [1.0]}, "1 values for 4 snapshots"),
        ({"mean_return": [1.0, 2.0, 3.0, float("nan")]}, "one finite number per snapshot"),
        ({"mean_return": [-4.0, -3.0, -2.0, -1.0]}, "train the behaviour policy longer"),
        ({"mean_return": None}, "key 'mean_return' is missing"),
    ],
)
def test_policy_and_provenance_must_agree(make_config, tmp_path, change, message):
    config = make_config(tmp_path)
    path = paths.behaviour_provenance(config, "jump")
    described = read_json(path) | change
    write_json(path, {key: value for key, value in described.items() if value is not None})
    with pytest.raises(BenchError, match=message):
        snapshots(config, "jump", "medium")


def test_a_missing_policy_is_named(make_config, tmp_path):
    config = make_config(tmp_path)
    paths.behaviour(config, "jump").unlink()
    with pytest.raises(BenchError, match=r"jump\.safetensors: no such file"):
        snapshots(config, "jump", "medium")


def test_overlap_mixes_the_own_medium_policy_with_the_other_tasks_experts(make_config, tmp_path):
    config = make_config(tmp_path)
    for task in envs.locomotion.TASKS:
        found = [recipe.about for recipe in locomotion.recipes(config, task, "overlap")]
        others = [other for other in envs.locomotion.TASKS if other != task]
        assert [about["policy"] for about in found] == [task] * locomotion.OWN_SHARE + others
        steps = [snapshots(config, other, "expert")[0].step for other in others]
        assert [about["step"] for about in found] == [200] * locomotion.OWN_SHARE + steps


@pytest.mark.parametrize("policy", envs.POLICIES)
def test_the_frozen_policies_fit_their_worlds(policy):
    """The expert is the snapshot that scored best, and it scored far above the first one."""
    config = Config()
    found = read_json(paths.behaviour_provenance(config, policy))
    returns, best = found["mean_return"], snapshots(config, policy, "expert")[0]
    assert returns[found["steps"].index(best.step)] == max(returns) > 2 * max(returns[0], 0)
    env = envs.make(policy)
    observation, _ = env.reset(seed=0)
    assert env.action_space.contains(best.policy.act(observation))
    env.close()


@pytest.mark.parametrize("task", sorted(envs.locomotion.TASKS))
def test_the_frozen_policies_are_graded(task):
    """For policies in the repository, medium lies well between first snapshot and expert."""
    config = Config()
    returns = read_json(paths.behaviour_provenance(config, task))["mean_return"]
    steps = [s.step for s in snapshots(config, task, "medium-replay")]
    medium, expert = (snapshots(config, task, name)[0].step for name in ("medium", "expert"))
    assert steps == sorted(set(steps))
    assert len(steps) >= 3
    assert steps[-1] == medium < expert
    assert 0.15 < returns[qualities.medium(returns)] / max(returns) < 0.6
