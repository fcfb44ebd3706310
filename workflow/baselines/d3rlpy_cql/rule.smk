"""d3rlpy's CQL. Each task and seed has its own policy, trained only on the task's own data."""

if "cql" not in settings.algorithms:
    raise WorkflowError(
        "baselines: 'd3rlpy_cql' takes its settings from cql, which the profile lacks; add it to algorithms"
    )

d3rlpy_policies = str(
    paths.baseline(settings, "d3rlpy_cql")
    / "{suite}"
    / "policies"
    / "{task}"
    / "seed{seed}.safetensors"
)


rule d3rlpy_cql_environment:
    input:
        script="workflow/baselines/d3rlpy_cql/environment.sh",
        lock="workflow/baselines/d3rlpy_cql/requirements.lock",
    output:
        "workflow/baselines/d3rlpy_cql/.venv/.installed",
    log:
        jobs.log(settings, "d3rlpy_cql_environment"),
    localrule: True  # it downloads packages, which the nodes of a cluster often can't
    threads: 1
    resources:
        **request(settings, "d3rlpy_cql_environment"),
    message:
        "Making d3rlpy's own environment (once; it takes some minutes)"
    shell:
        "bash {input.script:q} > {log:q} 2>&1"


rule d3rlpy_cql_train:
    input:
        "workflow/baselines/d3rlpy_cql/.venv/.installed",
        str(paths.dataset(settings, "{suite}", "{task}")),
        program="workflow/baselines/d3rlpy_cql/train.py",
    output:
        d3rlpy_policies,
    log:
        jobs.log(settings, "d3rlpy_cql_train", "{suite}", "{task}", "{seed}"),
    benchmark:
        jobs.benchmark(settings, "d3rlpy_cql_train", "{suite}", "{task}", "{seed}")
    wildcard_constraints:
        seed=r"\d+",
    threads: lambda wildcards: settings.of(wildcards.suite).training.threads
    resources:
        **request(settings, "train"),
        gpu=lambda wildcards: int(settings.of(wildcards.suite).training.device != "cpu"),
    params:
        job=lambda wildcards: json.dumps(
            baselines.training_job(settings, wildcards.suite)
        ),
    message:
        "Training d3rlpy's CQL on {wildcards.suite}/{wildcards.task}, seed {wildcards.seed}"
    shell:
        "workflow/baselines/d3rlpy_cql/.venv/bin/python {input.program:q} --job {params.job:q} "
        "--task {wildcards.task:q} --seed {wildcards.seed:q} --output {output:q} > {log:q} 2>&1"


rule d3rlpy_cql_evaluate:
    input:
        lambda wildcards: jobs.suite_references(settings, wildcards.suite),
        policies=lambda wildcards: [
            d3rlpy_policies.format(suite=wildcards.suite, task=task, seed=seed)
            for task in jobs.suite_tasks(wildcards.suite)
            for seed in range(settings.seeds)
        ],
    output:
        str(paths.baseline_scores(settings, "d3rlpy_cql", "{suite}")),
    log:
        jobs.log(settings, "d3rlpy_cql_evaluate", "{suite}"),
    benchmark:
        jobs.benchmark(settings, "d3rlpy_cql_evaluate", "{suite}")
    threads: 1
    resources:
        **request(settings, "evaluate_policies"),
    params:
        config=lambda wildcards: part(
            settings,
            f"suites.{wildcards.suite}",
            "baselines.d3rlpy_cql",
            "protocol.final_snapshots",
            "protocol.curve_episodes",
            "protocol.final_episodes",
        ),
        code=lambda wildcards: fingerprint(
            "cds_bench.evaluation.external",
            *jobs.world(jobs.domain_of(wildcards.suite)),
        ),
    message:
        "Evaluating d3rlpy's CQL on {wildcards.suite}"
    shell:
        "cds-bench evaluate-policies {input.policies:q} --baseline d3rlpy_cql "
        "--suite {wildcards.suite:q} --config {params.config:q} > {log:q} 2>&1"
