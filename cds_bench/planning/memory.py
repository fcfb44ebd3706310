"""An estimate of the memory that stacked training needs on a GPU, from a profile alone.

It is made before there are data or environments, and without torch. So it uses upper bounds for the
sizes that only those know. A test compares it with the tensors that training really holds.
"""

import math

import envs
from cds_bench.config import Config, plugins
from cds_bench.config.snapshots import snapshot_steps

# Upper bounds [ours]. The widest observation vector that is shipped has 39 numbers, and an encoder
# turns pictures into 64 features.
OBSERVATION, ACTION = 64, 16
CRITICS = 2
FLOAT = 4  # bytes
COPIES = 8  # of a parameter: value, target, gradient, two moments, and intermediate results
INPUTS = 16  # copies of a transition's input in one step
PICTURE_BYTES = 20  # of the encoder's activations, for each number in a picture
MARGIN = 1.5  # for what is left out, such as an allocator's gaps
CONTEXT = 10**9  # bytes that CUDA and its libraries take


def per_seed(config: Config, suite: str, algorithm: str) -> int:
    """Bytes that each seed of a stack adds: its parameters and the activations of one step.

    A step computes the values of K actions for each of the T B transitions of a batch. On a GPU all
    their activations exist at once. K = 3 n + 1 for an algorithm with the option `actions`, n, and
    4 for others.
    """
    own = config.of(suite)
    training, tasks = own.training, envs.SUITES[suite].tasks
    known = plugins.defaults("algorithms", own.module("algorithms", algorithm))
    count = 3 * (known | own.algorithms[algorithm]).get("actions", 1) + 1
    inputs, hidden = OBSERVATION + len(tasks), training.hidden
    layers = list(zip((inputs + ACTION, *hidden), (*hidden, 2 * ACTION), strict=True))
    network = sum((rows + 1) * columns for rows, columns in layers)
    parameters = network * (COPIES * (CRITICS + 1) + len(snapshot_steps(own)))
    kept = 2 if training.layer_norm else 1  # a normalised layer also keeps its rows
    activations = count * CRITICS * (kept * sum(hidden) + (kept + 1) * max(hidden))
    row = FLOAT * (activations + INPUTS * inputs) + PICTURE_BYTES * pixels(suite)
    return round(MARGIN * (FLOAT * parameters + len(tasks) * training.batch_size * row))


def fixed(config: Config, suite: str) -> int:
    """Bytes that do not depend on the number of seeds: the pool, which is on the GPU, and CUDA."""
    tasks = envs.SUITES[suite].tasks
    seen = pixels(suite) or 2 * FLOAT * OBSERVATION
    row = seen + FLOAT * (ACTION + 3 * len(tasks)) + 3 * 8  # three columns of 64-bit integers
    return CONTEXT + row * sum(config.size(suite, task) for task in tasks)


def pixels(suite: str) -> int:
    """The numbers in an observed picture, of one byte each; 0 if observations are vectors."""
    return math.prod(envs.TASKS[envs.SUITES[suite].tasks[0]].picture or (0,))
