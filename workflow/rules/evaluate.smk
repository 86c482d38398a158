# One job per denoiser and measurement. The file name carries the settings (see normeq.suite.experiment.plan). What an earlier file has is
# taken from there (see normeq.suite.measurements.row_cache): one more noise level measures one noise level.


MEASURED = [part for kind in EXPERIMENT.measurements() for part in EXPERIMENT.parts(kind)]

for kind in EXPERIMENT.measurements():

    rule:
        name:
            f"evaluate_{kind}"
        input:
            weights,
            measured_data(kind),
        output:
            f"results/{{folder}}/parts/{kind}-{{key}}.{MEASUREMENTS[kind]}",
        log:
            f"logs/{NAME}/{kind}/{{folder}}-{{key}}.log",
        benchmark:
            f"results/{{folder}}/parts/{kind}-{{key}}.tsv"
        conda:
            "../../environment.yml"
        threads: evaluate_threads
        resources:
            gpu=GPU,
            device=evaluate_device,
            mem_mb=4000,
            runtime=480,
        params:
            denoiser=denoiser,
            command="certify" if kind == "certificate" else f"evaluate {kind.replace('_', '-')}",
            options=EXPERIMENT.options(kind),
            reuse=reuse(kind),
            data_dir=data_dir,
        shell:
            "normeq {params.command} {params.denoiser:q} {params.options} {params.reuse:q} --out {output:q}"
            " --data-dir {params.data_dir:q} --device {resources.device} --threads {threads} 2>&1 | tee {log:q}"
