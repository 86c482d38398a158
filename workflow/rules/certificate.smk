CERTIFICATE = f"results/{NAME}/certificate.csv"

if "certificate" in EXPERIMENT.config["evaluate"]:
    TABLES += [CERTIFICATE, f"results/{NAME}/tables/certificate.md"]

    rule certificate:
        # Which denoisers are equivariant? One job: the denoisers of the experiment, and the classical ones beside them.
        input:
            certificate_denoisers_files,
            certificate_data,
            config=CONFIG_RECORD,
        output:
            multiext(f"results/{NAME}/tables/certificate", ".csv", ".tex"),
            table=CERTIFICATE,
            shown=report(
                f"results/{NAME}/tables/certificate.md",
                caption="../report/certificate.rst",
                category="Tables",
            ),
        log:
            f"logs/{NAME}/certificate.log",
        benchmark:
            f"results/{NAME}/timings/certificate.tsv"
        conda:
            "../../environment.yml"
        threads: share(1)
        resources:
            gpu=GPU,
            device=device(0),
            mem_mb=4000,
            runtime=120,
        params:
            denoisers=certificate_denoisers,
            options=certificate_options,
            folder=subpath(output.shown, parent=True),
            data_dir=data_dir,
        shell:
            "normeq certify {params.denoisers} {params.options} --out {output.table} --table-dir {params.folder}"
            " --data-dir {params.data_dir} --device {resources.device} --threads {threads} > {log} 2>&1"
