# One job per denoiser and measurement. The file name carries the settings (see normeq.suite.experiment.experiment). What an earlier file or a
# collected table has is taken from there (see normeq.suite.measuring.row_cache): one more noise level measures one noise level.

# Tables of one denoiser are not asked for by themselves: what a collected table holds need not be there (rule collect).
PICTURES = [part for kind, one in EXPERIMENT.measurements.items() if not one.columns for part in parts(kind)]

for kind, measurement in EXPERIMENT.measurements.items():

    rule:
        name:
            f"evaluate_{kind}"
        input:
            weights,
            measured_data(kind),
        output:
            f"results/{{folder}}/parts/{kind}-{{key}}.{measurement.suffix}",
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
            command=measurement.command,
            settings=EXPERIMENT.settings_json(kind),
            options=measurement_options(measurement),
            data_dir=data_dir,
        shell:
            "normeq evaluate {params.command} {params.denoiser:q} --settings {params.settings:q} {params.options:q} --out {output:q}"
            " --data-dir {params.data_dir:q} --device {resources.device} --threads {threads} 2>&1 | tee {log:q}"
