#!/usr/bin/env python3
"""An independent statement of what TrainingCore computes, in NumPy's float32 matrices.

    training_reference.py --write FILE    trains the cases below and writes inputs and results to FILE
    training_reference.py --check FILE    trains them again and compares with FILE; exit status 1 if they differ

The update is written as the textbooks have it, a batch at a time:

    g = mean of the examples' gradients + weight_decay * w (weights only) + proximal * (w - base)
    v = momentum * v + g
    w = w - learning_rate * v

so nothing here follows the core's order of summation: final parameters agree to about 1e-5, not bit for bit.
What is integer arithmetic or a single rounding (order of examples, starting parameters) agrees exactly.
"""

import argparse
import sys

import numpy as np

F = np.float32
MASK32 = 0xFFFFFFFF
MASK64 = 0xFFFFFFFFFFFFFFFF

# How far a rerun may be from the file: NumPy's sums depend on the processor and the version.
TOLERANCE = 2e-5


class SplitMix64:
    def __init__(self, seed):
        self.state = seed & MASK64

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK64
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK64
        return z ^ (z >> 31)

    def signed(self):
        """Uniform in [-1, 1)."""
        return F((self.next() >> 40) - 8388608) / F(8388608)


def fmix32(h):
    """The finaliser of MurmurHash3."""
    h ^= h >> 16
    h = (h * 0x85EBCA6B) & MASK32
    h ^= h >> 13
    h = (h * 0xC2B2AE35) & MASK32
    return h ^ (h >> 16)


def epoch_order(count, seed, epoch):
    """A Feistel network over the bits that count needs, at least 4, with cycle walking."""
    bits = max(4, (count - 1).bit_length())
    right_bits = bits // 2
    left_mask, right_mask = 2 ** (bits - right_bits) - 1, 2**right_bits - 1
    state = fmix32(seed) ^ fmix32((epoch + 0x6A09E667) & MASK32)
    keys = []
    for _ in range(12 if bits < 6 else 6):
        state = (state + 0x9E3779B9) & MASK32
        keys.append(fmix32(state))
    order = []
    for value in range(count):
        while True:
            left, right = value >> right_bits, value & right_mask
            for even, odd in zip(keys[::2], keys[1::2]):
                left ^= fmix32(right ^ even) & left_mask
                right ^= fmix32(left ^ odd) & right_mask
            value = left << right_bits | right
            if value < count:
                break
        order.append(value)
    return order


class Network:
    """Dense layers: lists of weight matrices [outputs, inputs] and bias vectors."""

    def __init__(self, width, layers, seed):
        self.activations = [activation for _, activation in layers]
        random = SplitMix64(seed)
        self.parameters = []
        for outputs, activation in layers:
            fan = width if activation == "relu" else width + outputs
            limit = np.sqrt(F(6) / F(fan))
            weights = np.array([random.signed() * limit for _ in range(outputs * width)], F)
            self.parameters += [weights.reshape(outputs, width), np.zeros(outputs, F)]
            width = outputs

    def flat(self):
        return np.concatenate([p.ravel() for p in self.parameters])

    def forward(self, x):
        """Inputs of every layer, then the logits."""
        values = [x]
        for l, activation in enumerate(self.activations):
            z = values[-1] @ self.parameters[2 * l].T + self.parameters[2 * l + 1]
            values.append(np.maximum(z, F(0)) if activation == "relu" else z)
        return values

    def gradients(self, x, labels):
        """Mean gradients, and the losses of the examples."""
        values = self.forward(x)
        losses, probabilities = cross_entropy(values[-1], labels)
        delta = probabilities
        delta[np.arange(len(labels)), labels] -= F(1)
        delta /= F(len(labels))
        gradients = [None] * len(self.parameters)
        for l in reversed(range(len(self.activations))):
            if self.activations[l] == "relu":
                delta = delta * (values[l + 1] > 0)
            gradients[2 * l] = delta.T @ values[l]
            gradients[2 * l + 1] = delta.sum(axis=0)
            delta = delta @ self.parameters[2 * l]
        return gradients, losses


def cross_entropy(logits, labels):
    shifted = logits - logits.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(axis=1, keepdims=True)
    losses = np.log(total[:, 0]) - shifted[np.arange(len(labels)), labels]
    return losses, e / total


# name, input (width, scale, zero point; no scale: float32), layers, hyperparameters, number of examples
CASES = [
    ("logistic", (12, None, 0), [(5, "none")],
     dict(epochs=3, batch=1, rate=0.1, momentum=0, decay=0, proximal=0, seed=1), 20),
    ("decay", (12, None, 0), [(5, "none")],
     dict(epochs=3, batch=1, rate=0.1, momentum=0, decay=0.01, proximal=0, seed=2), 20),
    ("batches", (12, None, 0), [(9, "relu"), (5, "none")],
     dict(epochs=4, batch=6, rate=0.3, momentum=0, decay=0.001, proximal=0, seed=3), 20),
    ("everything", (30, None, 0), [(16, "relu"), (7, "none")],
     dict(epochs=5, batch=8, rate=0.1, momentum=0.9, decay=0.001, proximal=0.05, seed=4), 45),
    ("deep-int8", (16, 0.0227, -5), [(12, "relu"), (8, "none"), (6, "relu"), (4, "none")],
     dict(epochs=5, batch=4, rate=0.1, momentum=0.5, decay=0, proximal=0.01, seed=5), 30),
]


def run(name, form, layers, hyper, count):
    width, scale, zero = form
    classes = layers[-1][0]
    random = SplitMix64(1000 + hyper["seed"])
    labels = np.array([random.next() % classes for _ in range(count)])
    raw = np.array([[random.signed() for _ in range(width)] for _ in range(count)], F)
    raw[np.arange(count), labels % width] += F(0.7)  # something to learn
    if scale is None:
        x = raw
    else:
        raw = np.clip(np.rint(raw * F(60)), -128, 127).astype(np.int64)
        x = ((raw - zero).astype(F) * F(scale)).astype(F)

    network = Network(width, layers, hyper["seed"])
    initial = network.flat()
    base = [p.copy() for p in network.parameters]
    velocity = [np.zeros_like(p) for p in network.parameters]
    orders, losses = [], []
    for epoch in range(hyper["epochs"]):
        order = epoch_order(count, hyper["seed"], epoch)
        orders.append(order)
        epoch_losses = []
        for start in range(0, count, hyper["batch"]):
            batch = order[start:start + hyper["batch"]]
            gradients, batch_losses = network.gradients(x[batch], labels[batch])
            epoch_losses += list(batch_losses)
            for i, parameter in enumerate(network.parameters):
                g = gradients[i]
                if parameter.ndim == 2:
                    g = g + F(hyper["decay"]) * parameter
                g = g + F(hyper["proximal"]) * (parameter - base[i])
                velocity[i] = F(hyper["momentum"]) * velocity[i] + g
                network.parameters[i] = parameter - F(hyper["rate"]) * velocity[i]
        losses.append(np.mean(epoch_losses))

    logits = network.forward(x)[-1]
    predictions = logits.argmax(axis=1)
    final_losses, _ = cross_entropy(logits, labels)
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (labels, predictions), 1)

    lines = [f"case {name}"]
    lines.append(f"float32 {width}" if scale is None else f"int8 {width} {number(scale)} {zero}")
    lines += [f"layer {outputs} {activation}" for outputs, activation in layers]
    lines.append("hyperparameters {epochs} {batch} {rate} {momentum} {decay} {proximal} {seed}".format(**hyper))
    lines += [f"example {label} " + words(values) for label, values in zip(labels, raw)]
    lines += ["order " + words(order) for order in orders]
    lines.append("initial " + words(initial))
    lines.append("losses " + words(losses))
    lines.append("final " + words(network.flat()))
    lines.append("evaluation " + words([(predictions == labels).sum(), final_losses.mean(dtype=F)]))
    lines.append("confusion " + words(confusion.ravel()))
    lines.append("end")
    return lines


def number(value):
    if isinstance(value, (int, np.integer)):
        return str(value)
    return np.format_float_positional(F(value), unique=True, trim="-")


def words(values):
    return " ".join(number(v) for v in values)


def differences(computed, stored):
    if len(computed) != len(stored):
        yield f"{len(stored)} lines, expected {len(computed)}"
        return
    for n, (mine, theirs) in enumerate(zip(computed, stored), 1):
        a, b = mine.split(), theirs.split()
        if len(a) != len(b) or a[0] != b[0]:
            yield f"line {n}: {a[0]} of {len(a)} words, found {b[0]} of {len(b)}"
        elif a[0] in ("losses", "final", "evaluation"):
            worst = max(abs(float(p) - float(q)) for p, q in zip(a[1:], b[1:]))
            if worst > TOLERANCE:
                yield f"line {n}: {a[0]} differs by {worst}"
        elif a != b:
            yield f"line {n}: {a[0]} differs"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--write", metavar="FILE")
    group.add_argument("--check", metavar="FILE")
    options = parser.parse_args()

    lines = ["# Written by Tests/Reference/training_reference.py --write; see there for what the lines mean."]
    for case in CASES:
        lines += run(*case)
    if options.write:
        with open(options.write, "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
        return 0
    with open(options.check, encoding="ascii") as file:
        found = list(differences(lines, file.read().splitlines()))
    for difference in found:
        print(difference)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
