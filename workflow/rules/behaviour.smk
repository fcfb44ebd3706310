"""Behaviour policies and the scores that normalise."""

if settings.behaviour == "train":

    rule behaviour:
        output:
            policy=str(paths.behaviour(settings, "{task}")),
            provenance=str(paths.behaviour_provenance(settings, "{task}")),
        log:
            plan.log(settings, "behaviour", "{task}"),
        benchmark:
            plan.benchmark(settings, "behaviour", "{task}")
        conda:
            "../envs/cds-bench.yaml"
        threads: 1
        params:
            config=configuration.part(settings, "behaviour", "behaviour_training"),
            code=fingerprint("cds_bench.behaviour.ppo", "envs.walker2d"),
        message:
            "Training the behaviour policy of {wildcards.task}"
        shell:
            "cds-bench behaviour --task {wildcards.task} --config {params.config:q} > {log} 2>&1"


rule references:
    input:
        policy=str(paths.behaviour(settings, "{task}")),
        provenance=str(paths.behaviour_provenance(settings, "{task}")),
    output:
        str(paths.references(settings, "{task}")),
    log:
        plan.log(settings, "references", "{task}"),
    benchmark:
        plan.benchmark(settings, "references", "{task}")
    conda:
        "../envs/cds-bench.yaml"
    threads: 1
    params:
        config=configuration.part(settings, "behaviour", "datasets.reference_episodes"),
        code=fingerprint("cds_bench.behaviour.references", "envs.walker2d"),
    message:
        "Measuring the random and behaviour policies of {wildcards.task}"
    shell:
        "cds-bench references --task {wildcards.task} --config {params.config:q} > {log} 2>&1"
