"""Random multi-task MDPs with shared dynamics, their exact values, and data from them.

Shapes: B problems, T tasks, S states, A actions. Functions of one task accept any leading
dimensions. Rewards lie in [0, 1], so values lie in [0, 1 / (1 - discount)].
"""

from dataclasses import dataclass

import numpy as np

SUCCESSORS = 2  # possible next states of a state and action
REWARDING = 4  # one state in four pays a task's reward
CONCENTRATION = 0.3  # of random policies; small, so that states have one or two likely actions


@dataclass(frozen=True)
class World:
    """One MDP with several tasks.

    transitions: P(s'|s,a), [S, A, S]; rewards: r_i(s,a), [T, S, A]; start: [S]; behaviour:
    pi_beta_i(a|s), [T, S, A].
    """

    transitions: np.ndarray
    rewards: np.ndarray
    start: np.ndarray
    behaviour: np.ndarray
    discount: float


def draw(
    rng: np.random.Generator,
    states: int,
    actions: int,
    tasks: int,
    coverage: float,
    overlap: float,
    discount: float,
) -> World:
    """A random world [ours], in the manner of Garnet problems.

    A state and action lead to two random states. A task pays U(0, 1) per action in a random quarter
    of the states. The start is uniform over a quarter of the states. The behaviour of task i is

        coverage * uniform + (1 - coverage) * (overlap * common + (1 - overlap) * own_i)
        own_i = quality_i * optimal_i + (1 - quality_i) * random_i,    quality_i ~ U(0, 1)

    so `coverage` is the share of uniform actions and `overlap` the share that all tasks have in
    common.
    """
    pairs = (states, actions)
    transitions = np.zeros((*pairs, states))
    successors = rng.permuted(np.tile(np.arange(states), (*pairs, 1)), axis=-1)[..., :SUCCESSORS]
    np.put_along_axis(transitions, successors, rng.dirichlet(np.ones(SUCCESSORS), pairs), axis=-1)
    few = max(1, states // REWARDING)
    paying = rng.permuted(np.tile(np.arange(states), (tasks, 1)), axis=-1)[:, :few]
    rewards = np.zeros((tasks, *pairs))
    for task, places in enumerate(paying):
        rewards[task, places] = rng.random((few, actions))
    start = np.zeros(states)
    start[:few] = 1 / few

    best, _ = optimal(transitions[None], rewards, discount)
    noise = rng.dirichlet(np.full(actions, CONCENTRATION), (tasks + 1, states))
    quality = rng.random((tasks, 1, 1))
    own = quality * best + (1 - quality) * noise[1:]
    behaviour = coverage / actions + (1 - coverage) * (overlap * noise[0] + (1 - overlap) * own)
    return World(transitions, rewards, start, behaviour, discount)


def sample(rng: np.random.Generator, world: World, size: int) -> np.ndarray:
    """Counts of `size` independent transitions from each task's behaviour: [T, S, A, S].

    (s,a) is drawn from the behaviour's normalised discounted occupancy, and s' from the dynamics.
    The analysis of CQL assumes this [recalled].
    """
    visits = occupancy(world.transitions[None], world.behaviour, world.start, world.discount)
    pairs = visits[..., None] * world.behaviour
    tasks = len(pairs)
    counts = rng.multinomial(size, pairs.reshape(tasks, -1)).reshape(pairs.shape)
    return rng.multinomial(counts, world.transitions)


def under(transitions: np.ndarray, policy: np.ndarray) -> np.ndarray:
    """P_pi(s'|s) = sum_a pi(a|s) P(s'|s,a): [..., S, A, S], [..., S, A] -> [..., S, S]."""
    return (policy[..., None, :] @ transitions)[..., 0, :]


def evaluate(
    transitions: np.ndarray, rewards: np.ndarray, policy: np.ndarray, discount: float
) -> np.ndarray:
    """V = (I - discount P_pi)^-1 r_pi, by a linear solve: [..., S]."""
    system = np.eye(transitions.shape[-1]) - discount * under(transitions, policy)
    return np.linalg.solve(system, (policy * rewards).sum(-1)[..., None])[..., 0]


def backup(
    transitions: np.ndarray, rewards: np.ndarray, values: np.ndarray, discount: float
) -> np.ndarray:
    """q(s,a) = r(s,a) + discount sum_s' P(s'|s,a) V(s'): [..., S, A]."""
    return rewards + discount * (transitions @ values[..., None, :, None])[..., 0]


def occupancy(
    transitions: np.ndarray, policy: np.ndarray, start: np.ndarray, discount: float
) -> np.ndarray:
    """d(s) = (1 - discount) sum_t discount^t Pr(s_t = s), which sums to 1: [..., S]."""
    system = np.eye(transitions.shape[-1]) - discount * under(transitions, policy)
    right = np.broadcast_to(start[..., None], (*system.shape[:-1], 1))
    return (1 - discount) * np.linalg.solve(np.swapaxes(system, -1, -2), right)[..., 0]


def optimal(
    transitions: np.ndarray, rewards: np.ndarray, discount: float
) -> tuple[np.ndarray, np.ndarray]:
    """An optimal deterministic policy [..., S, A] and its values [..., S], by policy iteration."""
    choice = rewards.argmax(-1)
    while True:
        policy = np.eye(rewards.shape[-1])[choice]
        values = evaluate(transitions, rewards, policy, discount)
        q = backup(transitions, rewards, values, discount)
        current = np.take_along_axis(q, choice[..., None], -1)[..., 0]
        better = q.max(-1) > current + 1e-10  # rounding must not make equal actions alternate
        if not better.any():
            return policy, values
        choice = np.where(better, q.argmax(-1), choice)
