"""`model.name: auto`, and the image size of a network: what follows from the data.

Everything here is known without importing torch, so that the report names the network that was
trained.
"""

from initsweep.core.errors import ParamsError
from initsweep.core.params import Model, Params
from initsweep.core.records import ModelOption, Schema
from initsweep.core.registry import did_you_mean

AUTOMATIC: dict[str, dict[str, ModelOption]] = {
    "mlp": {"depth": 3, "width": 128, "activation": "relu", "norm": "none", "residual": False},
    "cnn": {
        "channels": [16, 32],
        "kernel": 3,
        "activation": "relu",
        "dense": 64,
        "image": None,
    },
}
"""The networks that `auto` chooses from, with the options it gives where `model` has none."""


def with_network(params: Params, schema: Schema) -> Params:
    """Return the parameters with the network that they mean for this data.

    `auto` is `cnn` for images of at least two pixels each way, else `mlp`. It takes those options
    beside it that the chosen network has; those of the other one are ignored. An option `image`
    that is null becomes the shape of the data's images.

    Returns:
        The same parameters but for `model`.

    Raises:
        ParamsError: If an option beside `auto` belongs to neither network.
    """
    if params.loop is not None:
        own = Model(name=params.loop.function)
        return params.model_copy(update={"model": own})
    name, options = params.model.name, params.model.options
    if name == "auto":
        name, options = _chosen(options, schema.shape)
    if len(schema.shape) == 3 and options.get("image", 0) is None:
        options["image"] = list(schema.shape)
    chosen = Model.model_validate({**options, "name": name})
    kept = chosen.model_copy(update={"transfer": params.model.transfer})
    return params.model_copy(update={"model": kept})


def _chosen(
    options: dict[str, ModelOption], shape: list[int]
) -> tuple[str, dict[str, ModelOption]]:
    known = sorted({option for defaults in AUTOMATIC.values() for option in defaults})
    for option in options:
        if option not in known:
            raise ParamsError(
                f"model.{option}: unknown key beside `name: auto`.{did_you_mean(option, known)} "
                f"Known: {', '.join(known)}."
            )
    name = "cnn" if len(shape) == 3 and min(shape[1:]) > 1 else "mlp"
    return name, {**AUTOMATIC[name], **{k: v for k, v in options.items() if k in AUTOMATIC[name]}}
