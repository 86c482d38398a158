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
        # A scheduler's stop signal goes to every process of the job at once. The shell and tee wait for the training, which
        # finishes its step and writes its checkpoint; the job would otherwise end before, and with it the training.
        "trap : TERM INT; normeq train {params.spec:q} --out {params.out:q} --data-dir {params.data_dir:q}"
        " --device {resources.device} --threads {threads} 2>&1 | (trap '' TERM INT; exec tee {log:q})"
