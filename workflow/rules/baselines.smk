"""External baselines. Each is a folder in workflow/baselines; a profile includes it by name."""

for name in settings.baselines:

    include: f"../baselines/{name}/rule.smk"


rule baseline_job:
    output:
        str(paths.baseline_job(settings, "{baseline}", "{suite}")),
    log:
        jobs.log(settings, "baseline_job", "{baseline}", "{suite}"),
    localrule: True
    threads: 1
    resources:
        **request(settings, "baseline_job"),
    params:
        job=lambda wildcards: json.dumps(
            baselines.job(settings, wildcards.baseline, wildcards.suite), indent=2
        ),
    message:
        "Writing the job of {wildcards.baseline} on {wildcards.suite}"
    shell:
        "printf '%s\\n' {params.job:q} > {output:q} 2> {log:q}"


rule baseline_check:
    input:
        lambda wildcards: jobs.suite_references(settings, wildcards.suite),
        scores=str(paths.baseline_scores(settings, "{baseline}", "{suite}")),
    output:
        str(paths.baseline_checked(settings, "{baseline}", "{suite}")),
    log:
        jobs.log(settings, "baseline_check", "{baseline}", "{suite}"),
    benchmark:
        jobs.benchmark(settings, "baseline_check", "{baseline}", "{suite}")
    localrule: True
    threads: 1
    resources:
        **request(settings, "baseline_check"),
    params:
        config=part(settings, *product.CHECKED),
        code=fingerprint("cds_bench.statistics.schema"),
    message:
        "Checking the scores of {wildcards.baseline} on {wildcards.suite}"
    shell:
        "cds-bench check-baseline --baseline {wildcards.baseline:q} --suite {wildcards.suite:q} "
        "--config {params.config:q} > {log:q} 2>&1"
