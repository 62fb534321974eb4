"""Learns to rank candidates from what `collect.py` gathered, and writes the forests that
homebody reads.

    python3 -m pip install lightgbm numpy
    python3 learn.py FOLDER... --out ../../../src/search/index/ranking/rank
    python3 learn.py FOLDER... --leave-out     # a quarter of the repositories at a time, by
                                               # forests that never saw them

First definitions: one is worth 3 where it is the function that was asked for or holds a changed
line, 1 where it only stands in such a file, and nothing elsewhere. Then files, by what is told of
their best definitions and by what the first forest makes of them; for that it is learned on three
quarters of the repositories and asked about the fourth. Cases of all repositories weigh the same
together, so that no large one rules.
"""

import argparse
import glob
import json
import os

import lightgbm
import numpy

PARAMETERS = dict(
    objective="lambdarank",
    learning_rate=0.05,
    num_leaves=15,
    min_data_in_leaf=60,
    min_sum_hessian_in_leaf=1.0,
    feature_fraction=0.5,
    bagging_fraction=0.7,
    bagging_freq=1,
    lambda_l2=5.0,
    lambdarank_truncation_level=30,
    label_gain=[0, 1, 3, 7],
    verbose=-1,
    max_bin=63,
    num_threads=2,
    deterministic=True,
    seed=1,
)
TREES = 200
NEAR = 300
# What a question about a function weighs beside one about a change, of which there are more.
QUESTIONS = 2
FILE_PARAMETERS = dict(
    PARAMETERS, label_gain=[0, 1], num_leaves=7, lambdarank_truncation_level=20
)
FILE_TREES = 150
MOST_FILES = 60
MOST_OF = 16


def label(case, path, start, end):
    """What a definition of the candidate list is worth."""
    for gold in case["gold"]:
        if gold["path"] != path:
            continue
        if case["task"] == "sym":
            shared = min(end, gold["end"]) - max(start, gold["start"]) + 1
            enough = min(0.5 * (gold["end"] - gold["start"] + 1), 40)
            return 3 if shared >= enough else 1
        return 3 if any(start <= b and a <= end for a, b in gold["hunks"]) else 1
    return 0


def read(folders):
    """All cases: what was told, the labels, and the features as a matrix."""
    cases = []
    for folder in folders:
        for name in sorted(glob.glob(os.path.join(folder, "*.json"))):
            told = json.load(open(name))
            case = told["case"]
            rows = told["candidates"]
            labels = []
            for file, piece, *_ in rows:
                start, end = told["files"][file]["pieces"][piece]
                labels.append(label(case, told["files"][file]["path"], start, end))
            told["labels"] = numpy.array(labels)
            told["rows"] = [(row[0], row[1]) for row in rows]
            matrix = numpy.array([row[2:] for row in rows], dtype=numpy.float32)
            told["matrix"] = matrix.reshape(len(rows), len(told["features"]))
            told["firsts"] = told["matrix"][:, told["features"].index("first")]
            del told["candidates"]
            cases.append(told)
    return cases


def learn(cases, trees=TREES, parameters=None, drop=()):
    """A forest for these cases; features named in `drop` are as if they told nothing."""
    useful = [case for case in cases if len(case["labels"]) and case["labels"].max() > 0]
    # What stands far down by the first guess teaches little and takes most of the time. Right
    # ones go too: kept alone, they would teach that far down is where to look.
    kept = [numpy.arange(min(len(case["labels"]), NEAR)) for case in useful]
    counts = {}
    for case in useful:
        key = (case["case"]["repo"], case["case"]["task"])
        counts[key] = counts.get(key, 0) + 1
    matrix = numpy.concatenate([case["matrix"][rows] for case, rows in zip(useful, kept)])
    for name in drop:
        matrix[:, useful[0]["features"].index(name)] = 0
    weights = numpy.concatenate(
        [
            numpy.full(
                len(rows),
                (QUESTIONS if case["case"]["task"] == "sym" else 1)
                / numpy.sqrt(counts[case["case"]["repo"], case["case"]["task"]]),
            )
            for case, rows in zip(useful, kept)
        ]
    )
    data = lightgbm.Dataset(
        matrix,
        numpy.concatenate([case["labels"][rows] for case, rows in zip(useful, kept)]),
        weight=weights / weights.mean(),
        group=[len(rows) for rows in kept],
    )
    return lightgbm.train(parameters or PARAMETERS, data, trees)


def file_names(features):
    """The names of what is told of a file."""
    most = ["most_" + name for name in features[:MOST_OF]]
    return features + most + ["forest", "forest_rel", "forest_sum", "candidates", "forest_rank"]


def file_rows(case, scores):
    """The files of a case, best first, and what is told of each."""
    files, best, most, all_scores = [], {}, {}, {}
    for at in numpy.argsort(-scores, kind="stable"):
        file = case["rows"][at][0]
        row = case["matrix"][at]
        if file not in best:
            files.append(file)
            best[file], most[file], all_scores[file] = at, row[:MOST_OF].copy(), []
        numpy.maximum(most[file], row[:MOST_OF], out=most[file])
        all_scores[file].append(scores[at])
    files = files[:MOST_FILES]
    top = scores.max() if len(scores) else 0
    rows = [
        numpy.concatenate(
            [
                case["matrix"][best[file]],
                most[file],
                [
                    scores[best[file]],
                    scores[best[file]] - top,
                    numpy.exp(numpy.array(all_scores[file]) - top).sum(),
                    len(all_scores[file]),
                    rank,
                ],
            ]
        ).astype(numpy.float32)
        for rank, file in enumerate(files)
    ]
    return files, rows


def learn_files(cases, scores):
    """A forest for files, from cases and what a forest that never saw them makes of them."""
    rows, labels, groups = [], [], []
    for case in cases:
        files, told = file_rows(case, scores[case["case"]["id"]])
        gold = {gold["path"] for gold in case["case"]["gold"]}
        right = [int(case["files"][file]["path"] in gold) for file in files]
        if any(right):
            rows += told
            labels += right
            groups.append(len(files))
    data = lightgbm.Dataset(numpy.array(rows), numpy.array(labels), group=groups)
    return lightgbm.train(FILE_PARAMETERS, data, FILE_TREES)


def predicted(forest, case):
    """What a forest makes of the candidates of a case."""
    if not len(case["labels"]):
        return case["firsts"]
    return forest.predict(case["matrix"])


def quarters(cases):
    """The repositories in four parts."""
    repos = sorted({case["case"]["repo"] for case in cases})
    return [set(repos[at::4]) for at in range(4)]


def unseen(cases):
    """What forests make of cases of repositories that they never saw, by id."""
    scores = {}
    for part in quarters(cases):
        forest = learn([case for case in cases if case["case"]["repo"] not in part])
        for case in cases:
            if case["case"]["repo"] in part:
                scores[case["case"]["id"]] = predicted(forest, case)
    return scores


def written(forest, features):
    """The forest in homebody's form."""
    lines = [" ".join(features)]
    for tree in forest.dump_model()["tree_info"]:
        nodes, leaves = [], []

        def take(node):
            if "leaf_value" in node:
                leaves.append("%.5g" % node["leaf_value"])
                return -len(leaves)
            at = len(nodes)
            nodes.append(None)
            left = take(node["left_child"])
            right = take(node["right_child"])
            nodes[at] = "%d %.7g %d %d" % (node["split_feature"], node["threshold"], left, right)
            return at

        take(tree["tree_structure"])
        lines.append(",".join(nodes) + "|" + " ".join(leaves))
    return "\n".join(lines) + "\n"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folders", nargs="+")
    arguments.add_argument("--out")
    arguments.add_argument("--leave-out", action="store_true")
    chosen = arguments.parse_args()
    cases = read(chosen.folders)
    features = cases[0]["features"]
    scores = unseen(cases)
    if chosen.leave_out:
        told = summary(cases, {case["case"]["id"]: case["firsts"] for case in cases})
        print("the first guess:", told)
        print("the forest:     ", summary(cases, scores))
        for repo in sorted({case["case"]["repo"] for case in cases}):
            theirs = [case for case in cases if case["case"]["repo"] == repo]
            print("%-28s" % repo, summary(theirs, scores))
    if chosen.out:
        with open(os.path.join(chosen.out, "pieces.txt"), "w") as out:
            out.write(written(learn(cases), features))
        with open(os.path.join(chosen.out, "files.txt"), "w") as out:
            out.write(written(learn_files(cases, scores), file_names(features)))


def summary(cases, scores):
    """How often a right definition is among the first ten, and the first right one's rank."""
    hits, reciprocal = [], []
    for case in cases:
        order = numpy.argsort(-scores[case["case"]["id"]], kind="stable")
        right = case["labels"][order] == 3
        hits.append(float(right[:10].any()))
        reciprocal.append(1 / (right.argmax() + 1) if right.any() else 0)
    return "hit@10 %.3f mrr %.3f" % (numpy.mean(hits), numpy.mean(reciprocal))


if __name__ == "__main__":
    main()
