"""CQL's stacked losses against a literal float64 implementation that takes one row at a time."""

import itertools
import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from cds_bench.algorithms import cql, networks
from cds_bench.noise import Noise
from cds_bench.records import Batch, Sizes
from tests.algorithms.plain import density, in_double, layers, likelihood, mlp, resting

SEEDS, ROWS, OBSERVATION, TASKS, ACTION = 2, 5, 4, 3, 2
SIZES = Sizes(SEEDS, TASKS, OBSERVATION, ACTION, (8, 7))


def make_noise() -> Noise:
    return Noise("test", "suite", "cql", list(range(SEEDS)), "cpu")


def make_learner(layer_norm: bool = False) -> cql.Learner:
    generators = [torch.Generator().manual_seed(seed) for seed in range(SEEDS)]
    learner = cql.initialise(generators, replace(SIZES, layer_norm=layer_norm), "cpu")
    for name, value in learner.critic.items():
        if name.startswith("g"):  # gains that differ
            value.copy_(torch.linspace(0.5, 1.5, value.numel()).view(value.shape))
    for value in learner.target.values():  # a target that differs from the critic
        value.mul_(0.9)
    learner.log_temperature.fill_(-0.3)
    learner.log_multiplier.copy_(torch.tensor([[0.2], [-0.5]]))
    return learner


def make_batch() -> Batch:
    generator = torch.Generator().manual_seed(9)
    task = torch.randint(0, TASKS, (SEEDS, ROWS), generator=generator)
    observations = torch.randn(2, SEEDS, ROWS, OBSERVATION, generator=generator)
    one_hot = F.one_hot(task, TASKS).float()
    return Batch(
        states=torch.cat([observations[0], one_hot], -1),
        actions=torch.rand(SEEDS, ROWS, ACTION, generator=generator) * 2 - 1,
        next_states=torch.cat([observations[1], one_hot], -1),
        rewards=torch.randn(SEEDS, ROWS, generator=generator),
        terminals=(torch.rand(SEEDS, ROWS, generator=generator) < 0.4).float(),
        weight=torch.rand(SEEDS, ROWS, generator=generator),
    )


def literal(config, learner, batch, step):
    """Each term of each seed, row by row, from the definitions in float64."""
    noise, n = make_noise(), config.actions
    policy_noise = noise.normal(ROWS, n + 1, ACTION).double()
    next_policy_noise = noise.normal(ROWS, n + config.backup_actions, ACTION).double()
    uniform_actions = noise.uniform(ROWS, n, ACTION).double() * 2 - 1
    terms = {name: [] for name in ("td", "conservative", "policy", "temperature", "multiplier")}
    for s in range(SEEDS):
        policy = layers(learner.policy, s)
        critics = [layers(learner.critic, 2 * s + c) for c in range(2)]
        targets = [layers(learner.target, 2 * s + c) for c in range(2)]
        log_alpha = learner.log_temperature[s, 0]
        td, gaps, actor, temperature = 0.0, [0.0, 0.0], 0.0, 0.0
        for m in range(ROWS):
            state, following = batch.states[s, m], batch.next_states[s, m]
            action, weight = batch.actions[s, m], batch.weight[s, m]
            here, there = mlp(policy, state).chunk(2), mlp(policy, following).chunk(2)
            before = [here[0] + here[1].exp() * eps for eps in policy_noise[s, m]]
            before_next = [there[0] + there[1].exp() * eps for eps in next_policy_noise[s, m]]
            reward = config.reward_scale * batch.rewards[s, m] + config.reward_shift
            lasts = config.discount * (1 - batch.terminals[s, m])
            goal = (reward + lasts * backup(targets, following, before_next[n:])).detach()
            proposals = [(u, here) for u in before[:n]] + [(u, there) for u in before_next[:n]]
            for c, net in enumerate(critics):
                q = mlp(net, torch.cat([state, action]))[0]
                td = td + weight * (q - goal) ** 2
                others = soft(net, state, uniform_actions[s, m], proposals)
                gaps[c] = gaps[c] + weight * (others - q)
            parts = policy_parts(config, log_alpha, critics, state, action, here, before, step)
            actor, temperature = actor + weight * parts[0], temperature + weight * parts[1]
        gaps = torch.stack([config.alpha * gap / ROWS for gap in gaps])
        if config.lagrange_gap is None:
            conservative, multiplier = gaps.sum(), torch.zeros(())
        else:
            factor = learner.log_multiplier[s, 0].exp()
            above = gaps - config.lagrange_gap * batch.weight[s].mean()
            conservative = (factor.detach() * above).sum()
            multiplier = -0.5 * (factor * above.detach()).sum()
        values = (td / ROWS, conservative, actor / ROWS, temperature / ROWS, multiplier)
        for name, value in zip(terms, values, strict=True):
            terms[name].append(value)
    return {name: torch.stack([v.double() for v in values]) for name, values in terms.items()}


def backup(targets, following, before):
    """max over the actions tanh(u) of the smaller target value."""
    pairs = [torch.cat([following, torch.tanh(u)]) for u in before]
    return max(min(mlp(net, pair)[0] for net in targets) for pair in pairs)


def soft(net, state, uniform, proposals):
    """logsumexp of Q(s, a') - log mu(a') over uniform actions and over proposals (u, moments)."""
    logits = [mlp(net, torch.cat([state, a]))[0] + ACTION * math.log(2) for a in uniform]
    for u, moments in proposals:
        u, *moments = (x.detach() for x in (u, *moments))
        value = mlp(net, torch.cat([state, torch.tanh(u)]))[0]
        logits.append(value - density(*moments, u))
    return torch.logsumexp(torch.stack(logits), 0)


def policy_parts(config, log_alpha, critics, state, action, moments, before, step):
    """The policy's and the temperature's loss of a transition of weight 1."""
    n, frozen = config.actions, [resting(net) for net in critics]

    def least(a):
        return min(mlp(net, torch.cat([state, a]))[0] for net in frozen)

    clones, regressed = step < config.cloning_steps, config.policy_improvement == "regression"
    if not clones and regressed:  # if the critics prefer the data's action to the policy's own
        own = [least(torch.tanh(u)) for u in before[:n]]
        if not least(action) > sum(own) / n:
            return torch.zeros(()), torch.zeros(())
    if clones or regressed:
        limit = 1 - networks.ACTION_MARGIN
        inside = action.clamp(-limit, limit)
        return -likelihood(*moments, torch.atanh(inside)), torch.zeros(())
    log_pi = density(*moments, before[n])
    actor = log_alpha.exp().detach() * log_pi - least(torch.tanh(before[n]))
    return actor, -log_alpha * (log_pi - ACTION).detach()


def as_double(learner: cql.Learner) -> cql.Learner:
    def convert(value):
        if isinstance(value, dict):
            return {name: convert(item) for name, item in value.items()}
        return value.detach().double().requires_grad_()

    return cql.Learner(**{name: convert(value) for name, value in vars(learner).items()})


def parameters(learner: cql.Learner) -> list[torch.Tensor]:
    return list(itertools.chain(*cql.groups(learner)))


CASES = {
    "plain": cql.Config(actions=3),
    "affine reward": cql.Config(actions=2, reward_scale=10.0, reward_shift=-5.0),
    "cloning": cql.Config(actions=2, cloning_steps=1),
    "regression": cql.Config(actions=3, policy_improvement="regression"),
    "lagrange": cql.Config(actions=2, lagrange_gap=0.8),
    "maximum in the backup": cql.Config(actions=2, backup_actions=4),
}


@pytest.mark.parametrize("layer_norm", [False, True], ids=["plain layers", "normalised layers"])
@pytest.mark.parametrize("config", CASES.values(), ids=CASES.keys())
def test_losses_and_gradients_equal_the_literal_definition(config, layer_norm):
    learner, batch = make_learner(layer_norm), make_batch()
    for parameter in parameters(learner):
        parameter.requires_grad_()
    terms = cql.losses(config, learner, batch, make_noise(), step=0)
    terms.total.backward()

    reference = as_double(learner)
    double = in_double(batch)
    expected = literal(config, reference, double, step=0)
    names = ("temporal_difference", "conservative", "policy", "temperature", "multiplier")
    for name, value in zip(names, expected.values(), strict=True):
        torch.testing.assert_close(
            getattr(terms, name).detach().double(), value.detach(), rtol=1e-4, atol=1e-4
        )

    sum(value.sum() for value in expected.values()).backward()
    for mine, theirs in zip(parameters(learner), parameters(reference), strict=True):
        expected_grad = torch.zeros_like(theirs) if theirs.grad is None else theirs.grad
        grad = torch.zeros_like(mine) if mine.grad is None else mine.grad
        torch.testing.assert_close(grad.double(), expected_grad, rtol=1e-3, atol=1e-4)


def test_the_regression_accepts_some_actions_and_rejects_others():
    learner, batch = make_learner(), make_batch()
    config = CASES["regression"]
    cloned = cql.Config(actions=3, cloning_steps=1)
    some = cql.losses(config, learner, batch, make_noise(), step=0).policy
    every = cql.losses(cloned, learner, batch, make_noise(), step=0).policy
    assert (some != 0).all()
    assert (some != every).all()


@pytest.mark.parametrize("config", [cql.Config(actions=2), CASES["lagrange"]])
def test_weight_zero_removes_a_transition(config):
    learner, batch = make_learner(), make_batch()
    batch.weight[:, 0] = 0.0
    before = cql.losses(config, learner, batch, make_noise(), step=0)
    batch.rewards[:, 0] += 100.0
    batch.states[:, 0, :OBSERVATION] += 1.0
    after = cql.losses(config, learner, batch, make_noise(), step=0)
    assert torch.equal(before.total, after.total)
    batch.weight.zero_()
    none = cql.losses(config, learner, batch, make_noise(), step=0)
    assert not none.multiplier.any(), "the threshold alone does not pull at the multiplier"


def test_target_follows_the_critic_at_its_rate():
    learner = make_learner()
    before = {name: value.clone() for name, value in learner.target.items()}
    cql.after_step(cql.Config(target_rate=0.25), learner)
    for name, value in learner.target.items():
        expected = 0.75 * before[name] + 0.25 * learner.critic[name]
        torch.testing.assert_close(value, expected)


def test_soft_backup_is_reward_minus_log_density_plus_discounted_value():
    learner, batch = make_learner(), make_batch()
    noise = make_noise().normal(ROWS, 1, ACTION)
    config = cql.Config(discount=0.9)
    result = cql.soft_backup(config, learner, batch, noise)
    for s in range(SEEDS):
        policy = layers(learner.policy, s)
        for m in range(ROWS):
            mean, log_std = mlp(policy, batch.states[s, m]).chunk(2)
            limit = 1 - networks.ACTION_MARGIN
            inside = batch.actions[s, m].clamp(-limit, limit)
            log_pi = density(mean, log_std, torch.atanh(inside))
            mean, log_std = mlp(policy, batch.next_states[s, m]).chunk(2)
            action = torch.tanh(mean + log_std.exp() * noise[s, m, 0])
            pair = torch.cat([batch.next_states[s, m], action])
            value = min(mlp(layers(learner.critic, 2 * s + c), pair)[0] for c in range(2))
            discounted = 0.9 * (1 - batch.terminals[s, m]) * value
            expected = batch.rewards[s, m] - log_pi + discounted
            torch.testing.assert_close(result[s, m], expected, rtol=1e-4, atol=1e-4)


def test_density_integrates_to_one():
    grid = torch.linspace(-1, 1, 200_001)[1:-1]
    mean, log_std = torch.tensor([[[0.4]]]), torch.tensor([[[-0.7]]])
    density_at = networks.log_prob(mean, log_std, grid.view(1, -1, 1)).exp().squeeze()
    inside = grid.abs() < 1 - networks.ACTION_MARGIN
    mass = torch.trapezoid(density_at[inside], grid[inside])
    edge = math.atanh(1 - networks.ACTION_MARGIN)
    normal = torch.distributions.Normal(0.4, math.exp(-0.7))
    covered = normal.cdf(torch.tensor(edge)) - normal.cdf(torch.tensor(-edge))
    torch.testing.assert_close(mass, covered, rtol=1e-3, atol=1e-3)


def test_cloning_ends_with_its_own_rate_and_moments():
    config = cql.Config(cloning_steps=1, cloning_learning_rate=0.1, policy_learning_rate=0.2)
    learner = make_learner()
    optimiser = torch.optim.Adam([{"params": group} for group in cql.groups(learner)])
    for parameter in parameters(learner):
        parameter.grad = torch.ones_like(parameter)
    cql.before_step(config, optimiser, 0)
    assert [group["lr"] for group in optimiser.param_groups] == [3e-4, 0.1, 1e-4]
    optimiser.step()
    cql.before_step(config, optimiser, 1)
    assert [group["lr"] for group in optimiser.param_groups] == [3e-4, 0.2, 1e-4]
    assert {id(p) for p in parameters(learner)} - {id(p) for p in optimiser.state} == {
        id(p) for p in learner.policy.values()
    }
