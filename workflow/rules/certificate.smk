# Which denoisers are equivariant? One job measures all: the denoisers of the experiment, and the classical ones beside them.
if "certificate" in EXPERIMENT.config["evaluate"]:
    CERTIFICATE = EXPERIMENT.certificate()
    TABLES += [CERTIFICATE, f"results/{NAME}/tables/certificate.md"]

    rule certify:
        input:
            certificate_denoisers_files,
            certificate_data,
        output:
            CERTIFICATE,
        log:
            f"logs/{NAME}/certify.log",
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
            folder=subpath(output[0], parent=True),
            data_dir=data_dir,
        shell:
            "(normeq certify {params.denoisers} {params.options} --out {output} --data-dir {params.data_dir}"
            " --device {resources.device} --threads {threads}"
            " && find {params.folder} -maxdepth 1 -name 'certificate-*.csv' ! -path {output} -delete) > {log} 2>&1"

    rule table_certificate:
        input:
            table=CERTIFICATE,
        output:
            multiext(f"results/{NAME}/tables/certificate", ".csv", ".tex"),
            shown=report(
                f"results/{NAME}/tables/certificate.md",
                caption="../report/certificate.rst",
                category="Tables",
            ),
        log:
            f"logs/{NAME}/table_certificate.log",
        conda:
            "../../environment.yml"
        resources:
            mem_mb=1000,
            runtime=10,
        params:
            folder=subpath(output.shown, parent=True),
        shell:
            "normeq table certificate {input.table} --out-dir {params.folder} > {log} 2>&1"
