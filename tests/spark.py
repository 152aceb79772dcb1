"""Spark on the same files, with workers that are processes of their own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from tests import engines


def answers(folder: Path, master: str) -> list[list[list[object]]]:
    """What Spark answers to each of the queries."""
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    builder = SparkSession.builder.master(master).appName("tracemill")
    for name, value in {
        "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.local.dir": str(folder / "spark"),
        "spark.worker.cleanup.enabled": "true",
    }.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    try:
        for name, file in engines.marts(folder).items():
            spark.read.parquet(str(file)).createOrReplaceTempView(name)
        spark.read.parquet(str(engines.table(folder))).createOrReplaceTempView(engines.TABLE)
        return [engines.rows([tuple(row) for row in spark.sql(query).collect()]) for query in engines.ALL]
    finally:
        spark.stop()
