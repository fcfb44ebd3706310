"""External baselines. Each is a folder in workflow/baselines; a profile includes it by name."""

for name in settings.baselines:

    include: f"../baselines/{name}/rule.smk"


rule baseline_job:
    output:
        str(paths.baseline_job(settings, "{baseline}")),
    log:
        jobs.log(settings, "baseline_job", "{baseline}"),
    localrule: True
    threads: 1
    resources:
        **request(settings, "baseline_job"),
    params:
        job=lambda wildcards: json.dumps(
            baselines.job(settings, wildcards.baseline), indent=2
        ),
    message:
        "Writing the job of {wildcards.baseline}"
    shell:
        "printf '%s\\n' {params.job:q} > {output:q} 2> {log:q}"


rule baseline_check:
    input:
        jobs.all_references(settings),
        scores=str(paths.baseline_scores(settings, "{baseline}")),
    output:
        str(paths.baseline_checked(settings, "{baseline}")),
    log:
        jobs.log(settings, "baseline_check", "{baseline}"),
    benchmark:
        jobs.benchmark(settings, "baseline_check", "{baseline}")
    localrule: True
    threads: 1
    resources:
        **request(settings, "baseline_check"),
    params:
        config=part(settings, *product.CHECKED),
        code=fingerprint("cds_bench.statistics.schema"),
    message:
        "Checking the scores of {wildcards.baseline}"
    shell:
        "cds-bench check-baseline --baseline {wildcards.baseline:q} "
        "--config {params.config:q} > {log:q} 2>&1"
