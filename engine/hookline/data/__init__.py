"""Bars on disk: the Parquet catalogue, readers for Parquet, CSV and frames, resampling, checks, external series."""

from hookline.data.catalogue import Catalogue, CatalogueEntry, WriteCount
from hookline.data.check import CheckReport, Finding, Gap, check
from hookline.data.csv_bars import read_csv
from hookline.data.csv_table import CsvFormat
from hookline.data.external import load_external
from hookline.data.files import check_file, file_symbols, read_file
from hookline.data.frames import read_frame
from hookline.data.parquet_bars import read_parquet
from hookline.data.parquet_file import write_parquet
from hookline.data.raw import RawBars
from hookline.data.resample import bucket_start, resample
from hookline.data.ticks import infer_instrument, infer_tick_size

__all__ = [
    "Catalogue",
    "CatalogueEntry",
    "CheckReport",
    "CsvFormat",
    "Finding",
    "Gap",
    "RawBars",
    "WriteCount",
    "bucket_start",
    "check",
    "check_file",
    "file_symbols",
    "infer_instrument",
    "infer_tick_size",
    "load_external",
    "read_csv",
    "read_file",
    "read_frame",
    "read_parquet",
    "resample",
    "write_parquet",
]
