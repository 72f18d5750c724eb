"""What Flower 1.41 does with the replies of clients once they are in its memory: FedAvg's weighted mean. Prints bytes and seconds as JSON.

Usage: flower.py MEGABYTES MODELS
"""

import json
import sys
import time

import numpy as np
from flwr.app import ArrayRecord, MetricRecord, RecordDict
from flwr.serverapp.strategy.strategy_utils import aggregate_arrayrecords

megabytes, models = float(sys.argv[1]), int(sys.argv[2])
generator = np.random.default_rng(7)
rows = round((megabytes * 1e6 / 4 / 300) ** 0.5)
base = [generator.standard_normal((rows, rows), dtype=np.float32) for _ in range(300)]
replies = [
    RecordDict({"arrays": ArrayRecord([array + np.float32(k) for array in base]), "metrics": MetricRecord({"num-examples": 1})})
    for k in range(models)
]
size = models * sum(array.nbytes for array in base)
begin = time.monotonic()
aggregate_arrayrecords(replies, "num-examples")
print(json.dumps({"bytes": size, "seconds": time.monotonic() - begin}))
