"""BRAC's stacked losses against a literal float64 implementation, and the end of cloning."""

import itertools

import pytest
import torch

from cds_bench.algorithms import brac, networks
from cds_bench.records import LANES
from tests.algorithms.literally import advance
from tests.algorithms.plain import density, in_double, layers, likelihood, mlp, resting
from tests.algorithms.test_every_algorithm import ACTION, ROWS, SEEDS, make_batch, make_noise
from tests.algorithms.test_every_algorithm import make_learner as fresh_learner


def make_learner(spread: float = 1.0) -> brac.Learner:
    """A policy that differs from the behaviour. `spread` multiplies the moments of both."""
    learner = fresh_learner(brac)
    with torch.no_grad():
        for name, value in learner.policy.items():
            learner.behaviour[name].mul_(0.7)
            if name in ("w2", "b2"):
                value.mul_(spread)
                learner.behaviour[name].mul_(spread)
    return learner


def inside(action, margin):
    return torch.atanh(action.clamp(-1 + margin, 1 - margin))


def distance(policy, behaviour, state, noises):
    """D(s), computed sample by sample."""
    mean, log_std = mlp(policy, state).chunk(2)
    mean_b, log_std_b = mlp(behaviour, state).chunk(2)
    total = 0.0
    for eps in noises:
        u = mean + log_std.exp() * eps
        log_b = density(mean_b, log_std_b, inside(torch.tanh(u), 1e-3))
        total = total + density(mean, log_std, u) - log_b
    return total / len(noises)


def literal(config, learner, batch, step):
    """Each term of each seed, row by row, from the definitions in float64."""
    cloning = step < config.cloning_steps
    noise = make_noise()
    next_policy_noise = noise.normal(ROWS, 1, ACTION).double()
    if config.value_penalty and not cloning:
        next_sample_noise = noise.normal(ROWS, config.samples, ACTION).double()
    policy_noise = noise.normal(ROWS, 1, ACTION).double()
    policy_sample_noise = noise.normal(ROWS, config.samples, ACTION).double()
    terms = {"temporal_difference": [], "policy": [], "divergence": []}
    for s in range(SEEDS):
        policy, behaviour = layers(learner.policy, s), layers(learner.behaviour, s)
        critics = [layers(learner.critic, 2 * s + c) for c in range(2)]
        targets = [layers(learner.target, 2 * s + c) for c in range(2)]
        fixed = [resting(net) for net in critics]
        td, actor, far = 0.0, 0.0, torch.zeros((), dtype=torch.float64)
        for m in range(ROWS):
            state, following = batch.states[s, m], batch.next_states[s, m]
            weight = batch.weight[s, m]

            mean, log_std = mlp(policy, following).chunk(2)
            pair = torch.cat(
                [following, torch.tanh(mean + log_std.exp() * next_policy_noise[s, m, 0])]
            )
            value = min(mlp(net, pair)[0] for net in targets)
            if config.value_penalty and not cloning:
                samples = next_sample_noise[s, m]
                value = value - config.alpha * distance(policy, behaviour, following, samples)
            reward = config.reward_scale * batch.rewards[s, m] + config.reward_shift
            goal = (reward + config.discount * (1 - batch.terminals[s, m]) * value).detach()
            for net in critics:
                q = mlp(net, torch.cat([state, batch.actions[s, m]]))[0]
                td = td + weight * (q - goal) ** 2

            mean, log_std = mlp(policy, state).chunk(2)
            if cloning:
                before = inside(batch.actions[s, m], networks.ACTION_MARGIN)
                actor = actor - weight * likelihood(mean, log_std, before)
                continue
            divergence = distance(policy, behaviour, state, policy_sample_noise[s, m])
            pair = torch.cat([state, torch.tanh(mean + log_std.exp() * policy_noise[s, m, 0])])
            value = min(mlp(net, pair)[0] for net in fixed)
            actor = actor + weight * (config.alpha * divergence - value)
            far = far + weight * divergence.detach()
        for name, value in zip(terms, (td, actor, far), strict=True):
            terms[name].append(value / ROWS)
    return {name: torch.stack(values) for name, values in terms.items()}


def as_double(learner: brac.Learner) -> brac.Learner:
    def convert(values):
        return {k: v.detach().double().requires_grad_(v.requires_grad) for k, v in values.items()}

    return brac.Learner(**{name: convert(values) for name, values in vars(learner).items()})


def parameters(learner: brac.Learner) -> list[torch.Tensor]:
    return list(itertools.chain(*brac.groups(learner)))


CASES = {
    "value penalty": (brac.Config(cloning_steps=1, alpha=0.3), 2, 1.0),
    "policy alone": (brac.Config(cloning_steps=1, value_penalty=False), 2, 1.0),
    "affine reward": (brac.Config(cloning_steps=1, reward_scale=10.0, reward_shift=-5.0), 2, 1.0),
    "one sample": (brac.Config(cloning_steps=1, samples=1), 2, 1.0),
    "cloning": (brac.Config(cloning_steps=1), 0, 1.0),
    "saturated actions": (brac.Config(cloning_steps=1), 2, 6.0),
}


@pytest.mark.parametrize(("config", "step", "spread"), CASES.values(), ids=CASES.keys())
def test_losses_and_gradients_equal_the_literal_definition(config, step, spread):
    learner, batch = make_learner(spread), make_batch()
    terms = brac.losses(config, learner, batch, make_noise(), step)
    terms.total.backward()

    reference = as_double(learner)
    double = in_double(batch)
    expected = literal(config, reference, double, step)
    for name, value in expected.items():
        mine = getattr(terms, name).detach().double()
        torch.testing.assert_close(mine, value.detach(), rtol=1e-4, atol=1e-4)

    (expected["temporal_difference"] + expected["policy"]).sum().backward()
    for mine, theirs in zip(parameters(learner), parameters(reference), strict=True):
        torch.testing.assert_close(mine.grad.double(), theirs.grad, rtol=1e-3, atol=1e-4)
    assert all(value.grad is None for value in learner.behaviour.values())


def test_the_saturated_case_has_actions_beyond_the_margin():
    moments = networks.policy_distribution(make_learner(6.0).policy, make_batch().states)
    actions, _ = networks.sample(*moments, make_noise().normal(ROWS, 4, ACTION))
    assert (actions.abs() > 1.0 - brac.SAMPLE_MARGIN).any()


def constant_policy(mean: list[float], log_std: list[float]) -> dict[str, torch.Tensor]:
    """One seed and one layer. The distribution is the same in every state, which has size 1."""
    bias = torch.zeros(1, 1, LANES)
    bias[0, 0, : 2 * len(mean)] = torch.tensor([*mean, *log_std])
    return {"w0": torch.zeros(1, 1, 2 * len(mean)), "b0": bias}


def test_divergence_is_the_closed_form_of_gaussians_in_expectation():
    """tanh is invertible, so it does not change the KL divergence."""
    policy = constant_policy([0.3, -0.5], [-1.0, -0.7])
    behaviour = constant_policy([0.1, -0.2], [-0.6, -0.9])
    states, count = torch.zeros(1, 1, 1), 200_000
    noise = torch.randn(1, 1, count, 2, generator=torch.Generator().manual_seed(0))
    samples = networks.sample(*networks.policy_distribution(policy, states), noise)
    found = brac.divergence(behaviour, states, *samples).item()
    normals = [
        torch.distributions.Normal(mean, log_std.exp())
        for mean, log_std in (networks.policy_distribution(p, states) for p in (policy, behaviour))
    ]
    expected = torch.distributions.kl_divergence(*normals).sum().item()
    assert expected > 0.2
    assert found == pytest.approx(expected, abs=0.01)


def test_behaviour_is_the_policy_at_the_end_of_cloning():
    config, learner = brac.Config(cloning_steps=3), fresh_learner(brac)
    initial = {name: value.clone() for name, value in learner.behaviour.items()}
    advance(brac, config, learner, make_batch(), 3)
    assert all(torch.equal(initial[name], learner.behaviour[name]) for name in initial)
    clone = {name: value.detach().clone() for name, value in learner.policy.items()}

    learner = fresh_learner(brac)
    addresses = [value.data_ptr() for value in learner.behaviour.values()]
    terms, _ = advance(brac, config, learner, make_batch(), 6)
    assert addresses == [value.data_ptr() for value in learner.behaviour.values()]
    for name, value in learner.behaviour.items():
        assert torch.equal(value, clone[name])
        assert not value.requires_grad
        assert not torch.equal(value, learner.policy[name])
    assert (terms[2].divergence == 0).all()
    torch.testing.assert_close(terms[3].divergence, torch.zeros(SEEDS), rtol=0.0, atol=1e-4)
    assert (terms[5].divergence.abs() > 1e-4).all()


def test_the_behaviour_does_not_matter_before_the_end_of_cloning():
    config, batch = brac.Config(cloning_steps=3), make_batch()
    terms = [
        brac.losses(config, learner, batch, make_noise(), step=2)
        for learner in (fresh_learner(brac), make_learner())
    ]
    assert torch.equal(terms[0].total, terms[1].total)


def test_the_value_penalty_is_the_discounted_divergence_of_the_next_state():
    learner, batch = make_learner(), make_batch()
    config = brac.Config(alpha=0.4, discount=0.9)
    with_penalty, without = (
        brac.backup(config, learner, batch, make_noise(), penalised) for penalised in (True, False)
    )
    noise = make_noise()
    noise.normal(ROWS, 1, ACTION)  # the noise of a'
    moments = networks.policy_distribution(learner.policy, batch.next_states)
    samples = networks.sample(*moments, noise.normal(ROWS, config.samples, ACTION))
    divergence = brac.divergence(learner.behaviour, batch.next_states, *samples)
    expected = 0.4 * 0.9 * (1.0 - batch.terminals) * divergence.detach()
    torch.testing.assert_close(without - with_penalty, expected, rtol=1e-4, atol=1e-5)
    assert (expected != 0).any()


def test_cloning_ends_with_its_own_rate_and_moments():
    config = brac.Config(cloning_steps=1, cloning_learning_rate=0.1, policy_learning_rate=0.2)
    learner = fresh_learner(brac)
    optimiser = torch.optim.Adam([{"params": group} for group in brac.groups(learner)])
    for parameter in parameters(learner):
        parameter.grad = torch.ones_like(parameter)
    brac.before_step(config, optimiser, 0)
    assert [group["lr"] for group in optimiser.param_groups] == [1e-3, 0.1]
    optimiser.step()
    brac.before_step(config, optimiser, 1)
    assert [group["lr"] for group in optimiser.param_groups] == [1e-3, 0.2]
    assert {id(p) for p in parameters(learner)} - {id(p) for p in optimiser.state} == {
        id(p) for p in learner.policy.values()
    }


def test_alpha_trades_value_against_closeness_to_the_behaviour():
    """A large alpha keeps the policy near the behaviour; a small one lets the critic move it."""
    distances = []
    for alpha in (0.01, 100.0):
        config = brac.Config(alpha=alpha, cloning_steps=100, policy_learning_rate=1e-3)
        learner = fresh_learner(brac)
        terms, _ = advance(brac, config, learner, make_batch(), 300)
        distances.append(terms[-1].divergence.mean())
    assert distances[0] > 10 * distances[1].abs()
