"""d3rlpy's CQL, trained on one task's own data and exported for cds_bench's evaluation stage.

It runs in this folder's own environment, which does not contain cds_bench. The job (JSON) is the
training part of job.json. Sizes, steps, snapshots and options are those of our no_sharing CQL.
docs/external-baselines.md lists the remaining differences.
"""

import argparse
import itertools
import json
import os
import sys

import d3rlpy
import h5py
import numpy as np
import torch
from safetensors.numpy import save_file

SCALE_FLOOR, LIMIT = 1e-3, 10.0  # for normalising observations, as in our own runs


def normalisation(observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale of the task's own observations [N, O], float32 [1, O] each."""
    exact = observations.astype(np.float64)
    mean, scale = exact.mean(0), np.maximum(exact.std(0), SCALE_FLOOR)
    return mean[None].astype(np.float32), scale[None].astype(np.float32)


def episodes(data: dict[str, np.ndarray], mean, scale, options) -> list[d3rlpy.dataset.Episode]:
    """The dataset's episodes with normalised observations and scaled rewards.

    d3rlpy takes the next observation from the next row, so it drops the last transition of an
    episode that does not terminate. One more row at the end of such episodes keeps that transition.
    """

    def states(observations):
        return ((observations - mean) / scale).clip(-LIMIT, LIMIT).astype(np.float32)

    ends = np.flatnonzero(data["terminals"] | data["timeouts"]) + 1
    rewards = options["reward_scale"] * data["rewards"] + options["reward_shift"]
    found = []
    for first, last in itertools.pairwise([0, *ends]):
        terminated = bool(data["terminals"][last - 1])
        columns = [states(data["observations"][first:last]), data["actions"][first:last]]
        columns.append(rewards[first:last, None].astype(np.float32))
        if not terminated:
            after = states(data["next_observations"][last - 1 : last])
            rest = [after, np.zeros_like(columns[1][:1]), np.zeros_like(columns[2][:1])]
            columns = [np.concatenate(pair) for pair in zip(columns, rest, strict=True)]
        found.append(d3rlpy.dataset.Episode(*columns, terminated))
    return found


def configured(training: dict, options: dict) -> d3rlpy.algos.CQL:
    """d3rlpy's CQL with our options. Exits with a message if it does not support one."""
    supported = {
        "algorithms.cql.cloning_steps": (options["cloning_steps"], [0]),
        "algorithms.cql.backup_actions": (options["backup_actions"], [1, options["actions"]]),
        "algorithms.cql.policy_improvement": (options["policy_improvement"], ["gradient"]),
        "training.layer_norm": (training["layer_norm"], [False]),
        "training.learning_rate_decay": (training["learning_rate_decay"], ["none"]),
    }
    for key, (value, allowed) in supported.items():
        if value not in allowed:
            sys.exit(
                f"error: {key}: d3rlpy's CQL does not support {value!r} here; use "
                f"{' or '.join(map(repr, allowed))}"
            )
    gap = options["lagrange_gap"]
    encoder = d3rlpy.models.VectorEncoderFactory(hidden_units=training["hidden"])
    cuda = training["device"] != "cpu" and torch.cuda.is_available()
    return d3rlpy.algos.CQLConfig(
        actor_encoder_factory=encoder,
        critic_encoder_factory=encoder,
        actor_learning_rate=options["policy_learning_rate"],
        critic_learning_rate=options["critic_learning_rate"],
        temp_learning_rate=options["temperature_learning_rate"],
        # d3rlpy compares the threshold with the unweighted gap, and we with the weighted one.
        alpha_learning_rate=0.0 if gap is None else options["critic_learning_rate"],
        alpha_threshold=0.0 if gap is None else gap / options["alpha"],
        conservative_weight=options["alpha"],
        n_action_samples=options["actions"],
        max_q_backup=options["backup_actions"] > 1,
        batch_size=training["batch_size"],
        gamma=options["discount"],
        tau=options["target_rate"],
    ).create(device="cuda:0" if cuda else "cpu:0")


def layers(algorithm: d3rlpy.algos.CQL) -> dict[str, np.ndarray]:
    """The policy as w<k> [1, in, out] and b<k> [1, 1, out]; the output is [mean, log_std].

    The first weight gets a row of zeros for the one-hot vector of the only task. All arrays are
    copies, because training changes the originals in place.
    """
    state = {
        name: value.cpu().numpy() for name, value in algorithm.impl.policy.state_dict().items()
    }
    hidden = sorted({name.rpartition(".")[0] for name in state if name.startswith("_encoder.")})
    hidden.sort(key=lambda name: int(name.rpartition(".")[2]))
    pairs = [(state[f"{name}.weight"].T, state[f"{name}.bias"]) for name in hidden]
    pairs.append(
        (
            np.concatenate([state["_mu.weight"], state["_logstd.weight"]]).T,
            np.concatenate([state["_mu.bias"], state["_logstd.bias"]]),
        )
    )
    first, bias = pairs[0]
    pairs[0] = np.concatenate([first, np.zeros_like(first[:1])]), bias
    return {
        name: np.array(value, order="C")
        for k, (weight, bias) in enumerate(pairs)
        for name, value in ((f"w{k}", weight[None]), (f"b{k}", bias[None, None]))
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("job", "task", "seed", "output"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    job, task, seed = json.loads(arguments.job), arguments.task, int(arguments.seed)
    options, training = job["algorithms"]["cql"], job["training"]
    torch.set_num_threads(training["threads"])
    d3rlpy.seed(seed)
    with h5py.File(job["datasets"][task]) as file:
        if file["observations"].ndim != 2:
            sys.exit(
                f"{job['datasets'][task]}: observations are pictures; this baseline takes vectors"
            )
        columns = ("observations", "actions", "rewards", "terminals", "timeouts")
        data = {name: file[name][()] for name in (*columns, "next_observations")}
    mean, scale = normalisation(data["observations"])
    dataset = d3rlpy.dataset.ReplayBuffer(
        d3rlpy.dataset.InfiniteBuffer(), episodes=episodes(data, mean, scale, options)
    )
    algorithm = configured(training, options)
    algorithm.build_with_dataset(dataset)
    steps = job["snapshot_steps"]
    snapshots = []
    for before, step in itertools.pairwise([0, *steps]):
        if step > before:
            algorithm.fit(
                dataset,
                n_steps=step - before,
                n_steps_per_epoch=step - before,
                logger_adapter=d3rlpy.logging.NoopAdapterFactory(),
                show_progress=False,
            )
        snapshots.append(layers(algorithm))
    tensors = {name: np.stack([kept[name] for kept in snapshots]) for name in snapshots[0]}
    tensors |= {"observation_mean": mean, "observation_scale": scale}
    tensors |= {"steps": np.array(steps), "seeds": np.array([seed])}
    metadata = {"run": json.dumps({"suite": job["suite"], "tasks": [task]})}
    temporary = f"{arguments.output}.part"
    save_file(tensors, temporary, metadata)
    os.replace(temporary, arguments.output)


if __name__ == "__main__":
    main()
