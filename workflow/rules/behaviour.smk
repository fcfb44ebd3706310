"""Behaviour policies, and the reference scores that normalise returns."""

if settings.behaviour == "train":

    rule behaviour:
        output:
            policy=str(paths.behaviour(settings, "{policy}")),
            provenance=str(paths.behaviour_provenance(settings, "{policy}")),
        log:
            jobs.log(settings, "behaviour", "{policy}"),
        benchmark:
            jobs.benchmark(settings, "behaviour", "{policy}")
        threads: 1
        resources:
            **request(settings, "behaviour"),
        params:
            config=lambda wildcards: part(
                settings, "behaviour", f"behaviour_training.{wildcards.policy}"
            ),
            code=lambda wildcards: fingerprint(
                f"cds_bench.behaviour.{settings.behaviour_training[wildcards.policy].learner}",
                *jobs.world(jobs.domain_of(wildcards.policy)),
            ),
        message:
            "Training the behaviour policy {wildcards.policy}"
        shell:
            "cds-bench behaviour --policy {wildcards.policy:q} --config {params.config:q} > {log:q} 2>&1"


rule references:
    input:
        lambda wildcards: jobs.policy_files(settings, wildcards.task),
    output:
        str(paths.references(settings, "{task}")),
    log:
        jobs.log(settings, "references", "{task}"),
    benchmark:
        jobs.benchmark(settings, "references", "{task}")
    threads: 1
    resources:
        **request(settings, "references"),
    params:
        config=part(settings, "behaviour", "datasets.reference_episodes"),
        code=lambda wildcards: fingerprint(
            "cds_bench.behaviour.references",
            *jobs.behaviours(jobs.domain_of(wildcards.task)),
        ),
    message:
        "Measuring the random, behaviour and expert policies of {wildcards.task}"
    shell:
        "cds-bench references --task {wildcards.task:q} --config {params.config:q} > {log:q} 2>&1"
