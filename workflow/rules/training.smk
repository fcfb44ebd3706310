"""Training: one job per suite, algorithm, sharing strategy and group of seeds."""

run_key = ("{suite}", "{algorithm}", "{sharing}", "{seeds}")


rule train:
    input:
        str(paths.pool(settings, "{suite}")),
    output:
        **jobs.run_files(settings, *run_key),
    log:
        jobs.log(settings, "train", *run_key),
    benchmark:
        jobs.benchmark(settings, "train", *run_key)
    threads: lambda wildcards: settings.of(wildcards.suite).training.threads
    resources:
        **request(settings, "train"),
        gpu=lambda wildcards: int(settings.of(wildcards.suite).training.device != "cpu"),
    params:
        config=lambda wildcards: part(
            settings.of(wildcards.suite),
            "training",
            "protocol.curve_snapshots",
            "protocol.final_snapshots",
            f"suites.{wildcards.suite}",
            f"algorithms.{wildcards.algorithm}",
            f"sharing.{wildcards.sharing}",
        ),
        code=lambda wildcards: fingerprint(
            *jobs.training_modules(settings, wildcards.algorithm, wildcards.sharing)
        ),
    message:
        "Training {wildcards.algorithm} x {wildcards.sharing} on {wildcards.suite}, "
        "seeds {wildcards.seeds}"
    shell:
        "cds-bench train --suite {wildcards.suite:q} --algorithm {wildcards.algorithm:q} "
        "--sharing {wildcards.sharing:q} --seeds {wildcards.seeds:q} "
        "--config {params.config:q} > {log:q} 2>&1"
