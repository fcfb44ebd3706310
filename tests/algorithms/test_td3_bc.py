"""TD3+BC against a literal implementation with two optimisers; the deterministic policy's parts."""

import copy
import dataclasses

import pytest
import torch

from cds_bench.algorithms import deterministic, networks, td3_bc
from cds_bench.training import loop
from tests.algorithms import bandit
from tests.algorithms.literally import advance, as_double, check
from tests.algorithms.plain import in_double, layers, mlp, resting
from tests.algorithms.test_every_algorithm import (
    ACTION,
    ROWS,
    SEEDS,
    make_batch,
    make_learner,
    make_noise,
)
from tests.training.test_data import make_pool
from tests.training.test_loop import make_job

LEARNS, WAITS = 1, 2  # steps in which the policy learns, and does not
CRITIC_TERMS = {"temporal_difference"}


def literal(config, learner, batch, step):
    """Each term of each seed, row by row, from the definitions in the learner's precision."""
    noise = make_noise().normal(ROWS, 1, ACTION).to(batch.states.dtype)
    terms = {"temporal_difference": [], "policy": [], "cloning": []}
    for s in range(SEEDS):
        critics, targets = (
            [layers(net, 2 * s + c) for c in range(2)] for net in (learner.critic, learner.target)
        )
        policy, target_policy = layers(learner.policy, s), layers(learner.target_policy, s)
        difference, cloning, values, weights = 0.0, 0.0, [], batch.weight[s]
        for m in range(ROWS):
            state, following, action = (
                x[s, m] for x in (batch.states, batch.next_states, batch.actions)
            )
            shift = (config.policy_noise * noise[s, m, 0]).clamp(
                -config.noise_clip, config.noise_clip
            )
            near = (torch.tanh(mlp(target_policy, following)[:ACTION]) + shift).clamp(-1, 1)
            value = min(mlp(net, torch.cat([following, near]))[0] for net in targets)
            reward = config.reward_scale * batch.rewards[s, m] + config.reward_shift
            goal = (reward + config.discount * (1 - batch.terminals[s, m]) * value).detach()
            for net in critics:
                q = mlp(net, torch.cat([state, action]))[0]
                difference = difference + weights[m] * (q - goal) ** 2

            own = torch.tanh(mlp(policy, state)[:ACTION])
            cloning = cloning + weights[m] * (own - action).square().mean()
            values.append(mlp(resting(critics[0]), torch.cat([state, own]))[0])
        values = torch.stack(values)
        scale = config.alpha / ((weights * values.abs()).sum() / weights.sum()).detach()
        actor = cloning / ROWS - scale * (weights * values).sum() / ROWS
        for name, value in zip(terms, (difference / ROWS, actor, cloning / ROWS), strict=True):
            terms[name].append(value)
    return {name: torch.stack(values) for name, values in terms.items()}


CASES = {
    "plain": td3_bc.Config(),
    "affine reward": td3_bc.Config(reward_scale=10.0, reward_shift=-5.0),
    "little Q, wide noise": td3_bc.Config(alpha=0.1, policy_noise=2.0),
}


@pytest.mark.parametrize("config", CASES.values(), ids=CASES.keys())
def test_losses_and_gradients_equal_the_literal_definition(config):
    check(td3_bc, config, make_learner(td3_bc), LEARNS, literal, {*CRITIC_TERMS, "policy"})


def test_between_its_updates_the_policys_term_is_recorded_and_has_no_gradient():
    check(td3_bc, td3_bc.Config(), make_learner(td3_bc), WAITS, literal, CRITIC_TERMS)


def test_one_optimiser_trains_like_the_two_of_the_paper():
    """A plain loop has an optimiser each and steps the policy's in every second step only.

    The stacked loop has one. All parameters agree, so Adam's moments and counts do too.
    """
    config = td3_bc.Config(critic_learning_rate=0.02, policy_learning_rate=0.01, target_rate=0.1)
    stacked, plain = (as_double(make_learner(td3_bc)) for _ in range(2))
    batch, steps = in_double(make_batch()), 7

    _, optimiser = advance(td3_bc, config, stacked, batch, steps)

    critics = torch.optim.Adam(plain.critic.values(), lr=config.critic_learning_rate)
    policies = torch.optim.Adam(plain.policy.values(), lr=config.policy_learning_rate)
    for step in range(steps):
        terms = literal(config, plain, batch, step)
        learning = [critics] if step % 2 == 0 else [critics, policies]
        for each in (critics, policies):
            each.zero_grad()
        (terms["temporal_difference"] + terms["policy"]).sum().backward()
        for each in learning:
            each.step()
        with torch.no_grad():
            for lagging, current in (("target", "critic"), ("target_policy", "policy")):
                for name, value in getattr(plain, lagging).items():
                    value.mul_(0.9).add_(0.1 * getattr(plain, current)[name])

    for name in ("critic", "policy", "target", "target_policy"):
        for key, value in getattr(stacked, name).items():
            torch.testing.assert_close(value, getattr(plain, name)[key], rtol=1e-7, atol=1e-9)
    counts = [optimiser.state[value]["step"].item() for value in stacked.policy.values()]
    assert set(counts) == {3}, "the policy learns in steps 1, 3 and 5"


def test_the_policy_waits_also_under_the_loops_fused_optimiser():
    learner, config = make_learner(td3_bc), td3_bc.Config()
    optimiser = torch.optim.Adam(
        [{"params": group} for group in td3_bc.groups(learner)], fused=True
    )
    before = {name: value.detach().clone() for name, value in learner.policy.items()}
    for step in (0, 1):
        td3_bc.before_step(config, optimiser, step)
        optimiser.zero_grad(set_to_none=True)
        td3_bc.losses(config, learner, make_batch(), make_noise(), step).total.backward()
        optimiser.step()
        same = [torch.equal(before[name], value) for name, value in learner.policy.items()]
        assert all(same) == (step == 0)
        assert (learner.policy["w0"] in optimiser.state) == (step == 1)


def test_the_policy_does_not_depend_on_the_scale_of_values():
    learner, batch = make_learner(td3_bc), make_batch()
    once, _ = td3_bc.policy_losses(td3_bc.Config(), learner, batch)
    with torch.no_grad():
        for name in ("w2", "b2"):
            learner.critic[name].mul_(100.0)
    again, _ = td3_bc.policy_losses(td3_bc.Config(), learner, batch)
    torch.testing.assert_close(once, again)


def test_a_seed_whose_weights_are_all_zero_has_finite_terms():
    learner, batch = make_learner(td3_bc), make_batch()
    batch.weight[0] = 0.0
    terms = td3_bc.losses(td3_bc.Config(), learner, batch, make_noise(), LEARNS)
    terms.total.backward()
    assert terms.policy[0] == 0.0
    for value in learner.policy.values():
        assert (value.grad[0] == 0.0).all()
        assert torch.isfinite(value.grad).all()


def test_noise_is_clipped_and_so_are_the_actions_with_it():
    actions = torch.tensor([0.0, 0.0, 0.9, -0.9])
    noise = torch.tensor([1.0, 10.0, 2.0, -10.0])
    found = deterministic.perturbed(actions, noise, deviation=0.2, clip=0.5)
    torch.testing.assert_close(found, torch.tensor([0.2, 0.5, 1.0, -1.0]))


def test_the_deviation_is_a_constant_that_nothing_trains():
    learner, batch = make_learner(td3_bc), make_batch()
    td3_bc.losses(td3_bc.Config(), learner, batch, make_noise(), LEARNS).total.backward()
    _, log_std = networks.policy_distribution(learner.policy, 100.0 * batch.states)
    torch.testing.assert_close(log_std.exp(), torch.full_like(log_std, 0.2))
    for name in ("w2", "b2"):
        gradient = learner.policy[name].grad
        assert (gradient[..., ACTION:] == 0.0).all()
        assert (gradient[..., :ACTION] != 0.0).any()


def test_the_policy_may_learn_in_every_step():
    config = dataclasses.replace(td3_bc.Config(), policy_delay=1)
    assert all(deterministic.policy_learns(config, step) for step in range(4))


def test_a_run_interrupted_before_the_policy_has_learned_ends_like_another():
    """The optimiser's state then has no entry for the policy."""
    job = make_job(
        algorithm=td3_bc, algorithm_name="td3_bc", algorithm_config=td3_bc.Config(), steps=4
    )
    pool, kept = loop.device_pool(job, make_pool()), {}

    def keep(state: loop.State) -> None:
        if state.step == 1:
            kept["state"] = copy.deepcopy(loop.capture(state))

    whole = loop.train(job, pool, 2, [0, 4], after_step=keep)
    resumed = loop.train(job, pool, 2, [0, 4], saved=kept["state"])
    for name, values in whole.policies.items():
        assert torch.equal(values, resumed.policies[name])


def test_learns_which_actions_pay():
    """Q = a_0 pulls the first action to its bound; the second stays at the data's mean."""
    config = td3_bc.Config(critic_learning_rate=3e-3, policy_learning_rate=3e-3)
    learner, states, _ = bandit.train(td3_bc, config, steps=500)
    actions = deterministic.policy_actions(learner.policy, states)[0]
    assert (actions[:, 0] > 0.8).all()
    assert (actions[:, 1].abs() < 0.3).all()
