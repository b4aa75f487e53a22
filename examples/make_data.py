"""Write the tables of the examples from the data sets that ship with scikit-learn.

python -m examples.make_data
python -m examples.make_data --into FOLDER   # tiny
"""

import argparse
from pathlib import Path

from pandas import DataFrame
from sklearn.datasets import load_diabetes, load_wine

from benchmarks.common import parser_of

HERE = Path(__file__).parent


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("--into", type=Path, default=HERE, help="folder for them, if not this one")
    return made


def write(table: DataFrame, file: Path) -> None:
    """Write a table, and say where."""
    file.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(file, index=False)
    print(f"{file}: {len(table)} rows")


def main() -> None:
    """Write both files."""
    here = parser().parse_args().into
    wine = load_wine(as_frame=True)
    table = wine.frame.drop(columns="target")
    table["cultivar"] = [f"cultivar {number + 1}" for number in wine.target]
    write(table, here / "classification/data/raw/wine.csv")
    diabetes = load_diabetes(as_frame=True, scaled=False)
    table = diabetes.frame.rename(columns={"target": "progression"})
    table["sex"] = table["sex"].map({1.0: "a", 2.0: "b"})  # the source gives codes only
    write(table, here / "regression/data/raw/diabetes.csv")


if __name__ == "__main__":
    main()
