"""lm-evaluation-harness on local records, to compare speed and accuracies with.

    python evaluate_harness.py MODEL THREADS BATCH LIMIT TASKS

MODEL is a Hugging Face folder, LIMIT a number of records or "all", TASKS a JSON object {task: {"split": ..., "file": ...}} of
JSON Lines files. Standard output ends with one line of JSON: seconds in which requests were scored (tokenizing included, the
model's loading not), processor seconds likewise, the number of requests, and the results by task.
"""

import json
import os
import sys
import tempfile
import time

# The records are here, and the hub is not asked.
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

model, threads, batch, limit, tasks = sys.argv[1:]
os.environ["OMP_NUM_THREADS"] = threads

import lm_eval  # noqa: E402
import torch  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402

SPLITS = ("training_split", "validation_split", "test_split")


class Timed(HFLM):
    """Counts requests, and the seconds that they take."""

    requests, seconds, processor = 0, 0.0, 0.0

    def loglikelihood(self, requests, *args, **kwargs):
        started, began = time.monotonic(), time.process_time()
        result = super().loglikelihood(requests, *args, **kwargs)
        self.seconds += time.monotonic() - started
        self.processor += time.process_time() - began
        self.requests += len(requests)
        return result


def write_local(folder, task, split, file):
    """The harness's own task under another name, with its records from a file."""
    entry = TaskManager().task_index[task]
    source = entry["yaml_path"] if isinstance(entry, dict) else entry.yaml_path
    splits = {key: split if key == f"{split}_split" else None for key in SPLITS}
    data = {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": {"data_files": {split: file}}}
    # JSON is YAML.
    definition = {"include": str(source), "task": f"local_{task}", "tag": None, **splits, **data}
    with open(os.path.join(folder, f"{task}.yaml"), "w") as yaml:
        json.dump(definition, yaml)


torch.set_num_threads(int(threads))
timed = Timed(pretrained=model, dtype="float32", device="cpu", batch_size=int(batch))
with tempfile.TemporaryDirectory() as folder:
    names = list(json.loads(tasks))
    for task, each in json.loads(tasks).items():
        write_local(folder, task, **each)
    measured = lm_eval.simple_evaluate(
        model=timed,
        tasks=[f"local_{task}" for task in names],
        task_manager=TaskManager(include_path=folder),
        limit=None if limit == "all" else int(limit),
        bootstrap_iters=0,
        log_samples=False,
    )
results = {
    task: {key.split(",")[0]: value for key, value in figures.items() if key in ("acc,none", "acc_norm,none")}
    for task, figures in ((name, measured["results"][f"local_{name}"]) for name in names)
}
figures = {"seconds": timed.seconds, "processorSeconds": timed.processor, "requests": timed.requests}
print(json.dumps({**figures, "results": results}))
