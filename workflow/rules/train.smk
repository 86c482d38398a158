rule train:
    # One network. A stopped job goes on from the checkpoint in its folder. To train again, delete the folder.
    input:
        run_data,
    output:
        "results/runs/{run}/model.safetensors",
        "results/runs/{run}/run.json",
    log:
        "logs/train/{run}.log",
    benchmark:
        "results/runs/{run}/timing.tsv"
    conda:
        "../../environment.yml"
    threads: train_threads
    resources:
        gpu=GPU,
        device=train_device,
        mem_mb=4000,
        runtime=1440,
    params:
        spec=run_spec,
        data_dir=data_dir,
        out=subpath(output[0], parent=True),
    shell:
        "normeq train {params.spec:q} --out {params.out:q} --data-dir {params.data_dir:q}"
        " --device {resources.device} --threads {threads} 2>&1 | tee {log:q}"
