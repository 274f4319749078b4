"""The solvers of GPTQ, SparseGPT, SpQR and Wanda, and the two baselines, in PyTorch, to compare speed with.

Written from the papers, in the shape of the implementations that their authors published: a Python loop over columns and tensor
operations within it (arXiv 2210.17323, 2301.00774, 2306.03078, 2306.11695). What those compute for their logs alone is left out.

    python solve_reference.py FOLDER ROWS COLUMNS THREADS REPEATS SETTINGS

FOLDER holds weight.bin [rows, columns] and hessian.bin [columns, columns], float32 as they lie in memory; the method's
weight goes to FOLDER/result.bin. Standard output has one JSON document a line: how far it is, and at the end what it took.
"""

import json
import statistics
import sys
import time

import torch

PROGRESS_SECONDS = 5


class Progress:
    """Says every few seconds how many columns of all runs are done."""

    def __init__(self, columns, repeats):
        self.total, self.before, self.said = columns * repeats, 0, time.monotonic()

    def at(self, column):
        if time.monotonic() - self.said > PROGRESS_SECONDS:
            self.said = time.monotonic()
            say(done=self.before + column, total=self.total)

    def end_run(self, columns):
        self.before += columns


def say(**line):
    print(json.dumps(line), flush=True)


def upper_factor(hessian):
    """U with H^-1 = U^T U."""
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(hessian))
    return torch.linalg.cholesky(inverse, upper=True)


def fix_and_damp(weight, hessian, damping):
    dead = torch.diag(hessian) == 0
    hessian[dead, dead] = 1
    weight[:, dead] = 0
    hessian.diagonal().add_(damping * torch.diag(hessian).mean())


def fit_grid(values, bits):
    """Scale and integer zero point of each row, [rows, 1]; 0 is on the grid."""
    levels = 2**bits - 1
    low = values.amin(1, keepdim=True).clamp(max=0)
    high = values.amax(1, keepdim=True).clamp(min=0)
    empty = (low == 0) & (high == 0)
    low[empty], high[empty] = -1, 1
    scale = (high - low) / levels
    return scale, torch.round(-low / scale)


def on_grid(values, scale, zero, bits):
    return scale * (torch.clamp(torch.round(values / scale) + zero, 0, 2**bits - 1) - zero)


def gptq(weight, hessian, settings, progress, factorised):
    bits, group, block = settings["bits"], settings["groupSize"], settings["blockSize"]
    fix_and_damp(weight, hessian, settings["damping"])
    upper = upper_factor(hessian)
    factorised()
    columns = weight.shape[1]
    result = torch.zeros_like(weight)
    for start in range(0, columns, block):
        end = min(start + block, columns)
        current = weight[:, start:end].clone()
        inside = upper[start:end, start:end]
        errors = torch.zeros_like(current)
        for i in range(end - start):
            column = start + i
            if column % group == 0:
                scale, zero = fit_grid(weight[:, column : column + group], bits)
            value = current[:, i]
            kept = on_grid(value.unsqueeze(1), scale, zero, bits).flatten()
            error = (value - kept) / inside[i, i]
            current[:, i:] -= error.unsqueeze(1).matmul(inside[i, i:].unsqueeze(0))
            result[:, column], errors[:, i] = kept, error
        weight[:, end:] -= errors.matmul(upper[start:end, end:])
        progress.at(end)
    return result


def sparsegpt(weight, hessian, settings, progress, factorised):
    pruned, of = map(int, settings["pattern"].split(":"))
    block = settings["blockSize"]
    fix_and_damp(weight, hessian, settings["damping"])
    upper = upper_factor(hessian)
    factorised()
    columns = weight.shape[1]
    for start in range(0, columns, block):
        end = min(start + block, columns)
        current = weight[:, start:end].clone()
        inside = upper[start:end, start:end]
        pivots = torch.diag(inside)
        result, errors = torch.zeros_like(current), torch.zeros_like(current)
        mask = torch.zeros_like(current, dtype=torch.bool)
        for i in range(end - start):
            if i % of == 0:
                cost = current[:, i : i + of] ** 2 / pivots[i : i + of] ** 2
                mask.scatter_(1, i + torch.topk(cost, pruned, dim=1, largest=False)[1], True)
            kept = current[:, i].clone()
            kept[mask[:, i]] = 0
            error = (current[:, i] - kept) / inside[i, i]
            current[:, i:] -= error.unsqueeze(1).matmul(inside[i, i:].unsqueeze(0))
            result[:, i], errors[:, i] = kept, error
        weight[:, start:end] = result
        weight[:, end:] -= errors.matmul(upper[start:end, end:])
        progress.at(end)
    return weight


def fit_real_grid(values, bits):
    """Scale and real zero point of the last axis; from the least to the largest."""
    low, high = values.amin(-1, keepdim=True), values.amax(-1, keepdim=True)
    equal = low == high
    low, high = torch.where(equal, -1.0, low), torch.where(equal, 1.0, high)
    scale = (high - low) / (2**bits - 1)
    return scale, -low / scale


def on_real_grid(values, scale, zero, bits):
    code = torch.clamp(torch.round(values / scale.clamp(min=1e-9) + zero), 0, 2**bits - 1)
    return scale * (code - zero)


def quantized_in_runs(values, run, bits):
    """The statistics of all rows, [rows, 1], on the grids of runs of rows; a last run may be shorter."""
    whole = values.shape[0] // run * run
    parts = [part for part in (values[:whole].reshape(-1, run), values[whole:].reshape(1, -1)) if part.numel()]
    return torch.cat([on_real_grid(part, *fit_real_grid(part, bits), bits).flatten() for part in parts])[:, None]


def likely_outliers(group, pivots, bits, threshold):
    """Whose leaving out lowers the group's error by more than the threshold, [rows, group]."""
    size = group.shape[1]
    others = torch.arange(size).expand(size, size)[~torch.eye(size, dtype=torch.bool)].view(size, size - 1)
    left = group[:, others]
    errors = ((on_real_grid(left, *fit_real_grid(left, bits), bits) - left) / pivots[others]).square().sum(-1)
    base = ((on_real_grid(group, *fit_real_grid(group, bits), bits) - group) / pivots).square().sum(-1, keepdim=True)
    return base - errors > threshold


def without_marked(group, marked):
    """The group with marked weights replaced by the mean of the rest of their row."""
    mean = (group * ~marked).sum(1, keepdim=True) / (~marked).sum(1, keepdim=True).clamp(min=1)
    return torch.where(marked, mean, group)


def spqr(weight, hessian, settings, progress, factorised):
    bits, size, block = settings["bits"], settings["groupSize"], settings["blockSize"]
    statistics_bits, run = settings["statisticsBits"], settings["statisticsGroupSize"]
    order = torch.argsort(torch.diag(hessian), descending=True, stable=True)
    weight, hessian = weight[:, order], hessian[order][:, order]
    dead = torch.diag(hessian) == 0
    hessian.diagonal().add_(settings["damping"] * torch.diag(hessian).mean())
    hessian[dead, dead] = 1
    weight[:, dead] = 0
    upper = upper_factor(hessian)
    factorised()
    pivots = torch.diag(upper)
    threshold = settings["outlierThreshold"] * (weight.var(dim=0) / pivots.square()).mean()
    columns = weight.shape[1]
    result = torch.zeros_like(weight)
    for start in range(0, columns, block):
        end = min(start + block, columns)
        errors = torch.zeros_like(weight[:, start:end])
        for column in range(start, end):
            if column % size == 0:
                group = weight[:, column : column + size]
                marked = likely_outliers(group, pivots[column : column + size], bits, threshold)
                scale, zero = fit_real_grid(without_marked(group, marked), bits)
                scale, zero = (quantized_in_runs(each, run, statistics_bits) for each in (scale, zero))
            value = weight[:, column]
            kept = on_real_grid(value.unsqueeze(1), scale, zero, bits).flatten()
            error = (value - kept) / pivots[column]
            outlier = error.square() > threshold
            result[:, column] = torch.where(outlier, value, kept)
            errors[:, column - start] = torch.where(outlier, 0, error)
            later = weight[:, column + 1 : end]
            later.addr_(errors[:, column - start], upper[column, column + 1 : end], alpha=-1)
        weight[:, end:].addmm_(errors, upper[start:end, end:], alpha=-1)
        progress.at(end)
    return result[:, torch.argsort(order)]


def rtn(weight, hessian, settings, progress, factorised):
    size = settings["groupSize"]
    for start in range(0, weight.shape[1], size):
        group = weight[:, start : start + size]
        group.copy_(on_grid(group, *fit_grid(group, settings["bits"]), settings["bits"]))
    return weight


def prune_runs(weight, scores, pattern):
    pruned, of = map(int, pattern.split(":"))
    mask = torch.zeros_like(weight, dtype=torch.bool)
    for column in range(0, weight.shape[1], of):
        least = torch.topk(scores[:, column : column + of], pruned, dim=1, largest=False)[1]
        mask.scatter_(1, column + least, True)
    weight[mask] = 0
    return weight


def wanda(weight, hessian, settings, progress, factorised):
    norms = (torch.diag(hessian) / 2).sqrt()
    return prune_runs(weight, weight.abs() * norms, settings["pattern"])


def magnitude(weight, hessian, settings, progress, factorised):
    return prune_runs(weight, weight.abs(), settings["pattern"])


METHODS = {each.__name__: each for each in (gptq, spqr, sparsegpt, wanda, rtn, magnitude)}


def run(weight, hessian, settings, progress):
    """The method's weight, seconds, and of them those until the factorisation was done."""
    weight, hessian = weight.clone(), hessian.clone()
    started = time.monotonic()
    factorised = started

    def mark():
        nonlocal factorised
        factorised = time.monotonic()

    result = METHODS[settings["method"]](weight, hessian, settings, progress, mark)
    seconds = time.monotonic() - started
    progress.end_run(weight.shape[1])
    return result, seconds, factorised - started


def warm_up(settings):
    """The first operations of a process load libraries."""
    inputs = torch.randn(256, 64)
    run(torch.randn(32, 64), inputs.t() @ inputs, settings, Progress(64, 1))


@torch.no_grad()
def main(folder, rows, columns, threads, repeats, settings):
    torch.set_num_threads(int(threads))
    rows, columns, repeats = int(rows), int(columns), int(repeats)
    weight = torch.from_file(f"{folder}/weight.bin", size=rows * columns).view(rows, columns)
    hessian = torch.from_file(f"{folder}/hessian.bin", size=columns * columns).view(columns, columns)
    settings = json.loads(settings)
    warm_up(settings)
    progress = Progress(columns, repeats)
    runs = [run(weight, hessian, settings, progress) for _ in range(repeats)]
    result = torch.from_file(f"{folder}/result.bin", shared=True, size=rows * columns)
    result.copy_(runs[-1][0].flatten())
    seconds, factorise = (statistics.median(figures) for figures in list(zip(*runs))[1:])
    say(seconds=seconds, factorise=factorise)


main(*sys.argv[1:])
