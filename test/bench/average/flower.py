"""Flower's aggregation of models that are in memory already: FedAvg's weighted mean of numpy arrays. Prints bytes and seconds as JSON.

Usage: flower.py MEGABYTES MODELS
"""

import json
import sys
import time

import numpy as np
from flwr.server.strategy.aggregate import aggregate

megabytes, models = float(sys.argv[1]), int(sys.argv[2])
generator = np.random.default_rng(7)
rows = round((megabytes * 1e6 / 4 / 300) ** 0.5)
base = [generator.standard_normal((rows, rows), dtype=np.float32) for _ in range(300)]
results = [([array + np.float32(k) for array in base], 1) for k in range(models)]
size = models * sum(array.nbytes for array in base)
begin = time.monotonic()
aggregate(results)
print(json.dumps({"bytes": size, "seconds": time.monotonic() - begin}))
