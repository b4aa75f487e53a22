"""Write the tables of the examples from the data sets that ship with scikit-learn."""

from pathlib import Path

from sklearn.datasets import load_diabetes, load_wine

HERE = Path(__file__).parent


def main() -> None:
    """Write both files."""
    wine = load_wine(as_frame=True)
    table = wine.frame.drop(columns="target")
    table["cultivar"] = [f"cultivar {number + 1}" for number in wine.target]
    table.to_csv(HERE / "classification/data/raw/wine.csv", index=False)
    diabetes = load_diabetes(as_frame=True, scaled=False)
    table = diabetes.frame.rename(columns={"target": "progression"})
    table["sex"] = table["sex"].map({1.0: "a", 2.0: "b"})  # the source gives codes only
    table.to_csv(HERE / "regression/data/raw/diabetes.csv", index=False)


if __name__ == "__main__":
    main()
