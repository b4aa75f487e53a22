"""Source of the functions that PyTorch does not have; a snippet holds those that it calls."""

from collections.abc import Mapping

_TRUNCATED = '''
def truncated_normal_(tensor, *, std, generator):
    """Cut a normal law off at two standard deviations, so much widened that `std` results."""
    wide = std / 0.87962566103423975
    nn.init.trunc_normal_(tensor, 0.0, wide, -2 * wide, 2 * wide, generator=generator)
'''

_AT_THE_CENTRE = '''
def at_the_centre_(tensor, matrices, blocks, turned):
    """Put a matrix per group at the centre of the kernel, zeros around it."""
    kernel = torch.zeros(blocks)
    centre = [(side - 1) // 2 for side in blocks[3:]]
    kernel[tuple([slice(None)] * 3 + centre)] = matrices
    tensor.copy_((kernel.transpose(1, 2) if turned else kernel).reshape(tensor.shape))
'''

_IDENTITY = '''
def identity_(tensor, *, gain, blocks, generator, turned=False):
    """Pass the first inputs of every group on, times `gain`; blocks: (groups, out, in, *kernel)."""
    at_the_centre_(tensor, gain * torch.eye(blocks[1], blocks[2]), blocks, turned)
'''

_DELTA_ORTHOGONAL = '''
def delta_orthogonal_(tensor, *, gain, blocks, generator, turned=False):
    """Rotate the channels of every group at the kernel's centre; blocks: (groups, out, in, ...)."""
    matrices = torch.empty(blocks[:3])
    for matrix in matrices:
        if min(matrix.shape) > 0:
            nn.init.orthogonal_(matrix, gain, generator=generator)
    at_the_centre_(tensor, matrices, blocks, turned)
'''

_SPARSE = '''
def sparse_(tensor, *, incoming, kept, std, blocks, generator, turned=False):
    """Keep `kept` normal weights of `incoming` of a unit; blocks: (groups, out, in, ...)."""
    ranks = torch.rand(tensor.numel() // incoming, incoming, generator=generator).argsort(dim=1)
    values = std * torch.randn(ranks.shape, generator=generator) * (ranks < kept)
    values = values.reshape(blocks)
    tensor.copy_((values.transpose(1, 2) if turned else values).reshape(tensor.shape))
'''

_ZERO = '''
def zero_hadamard_(tensor, *, blocks, generator, turned=False):
    """Pass inputs on, through a Hadamard matrix where there are more outputs; blocks as above."""
    matrix = torch.eye(blocks[1], blocks[2], dtype=torch.float64)
    if blocks[1] > blocks[2]:
        order = math.ceil(math.log2(blocks[1]))
        matrix = torch.ones(1, 1, dtype=torch.float64)
        for _ in range(order):
            matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)])
        matrix = matrix[: blocks[1], : blocks[2]] / 2 ** (order / 2)
    at_the_centre_(tensor, matrix.to(torch.float32), blocks, turned)
'''

_SINUSOIDAL = '''
def sinusoidal_(tensor, *, std, blocks, generator, turned=False):
    """Fill with a sine wave per unit, of this root mean square; blocks: (groups, out, in, ...)."""
    inputs = math.prod(blocks[2:])
    units = tensor.numel() // inputs
    unit = torch.arange(1, units + 1, dtype=torch.float64)[:, None]
    turns = unit * torch.arange(inputs, dtype=torch.float64) / inputs + unit / units
    waves = torch.sin(2 * math.pi * (turns % 1.0))
    power = waves.square().mean()
    if power > 1e-12:
        waves = waves * (std / power.sqrt())
    waves = waves.reshape(blocks)
    tensor.copy_((waves.transpose(1, 2) if turned else waves).reshape(tensor.shape))
'''

HELPERS: Mapping[str, tuple[str, ...]] = {
    "truncated_normal_": (_TRUNCATED,),
    "identity_": (_AT_THE_CENTRE, _IDENTITY),
    "delta_orthogonal_": (_AT_THE_CENTRE, _DELTA_ORTHOGONAL),
    "sparse_": (_SPARSE,),
    "sinusoidal_": (_SINUSOIDAL,),
    "zero_hadamard_": (_AT_THE_CENTRE, _ZERO),
}
"""What a snippet needs for each function, in order."""
