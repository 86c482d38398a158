"""Names of functions and methods of PyTorch, by what they do to an image."""

from __future__ import annotations

# They choose, move or average values: equivariant to scale and shifts.
KEEP_FLOW = set(
    "clone contiguous detach to type_as float double half bfloat16 cpu cuda flip roll interpolate upsample "
    "max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d "
    "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d".split()
)
LOSE_FLOW = set(
    "reshape reshape_as view view_as permute transpose swapaxes movedim "
    "unflatten squeeze unsqueeze expand expand_as repeat repeat_interleave tile chunk split tensor_split "
    "unbind narrow select index_select getitem rot90 pixel_shuffle pixel_unshuffle channel_shuffle mean amax "
    "amin quantile t".split()
)
# They hold the values of each of their operands.
EXTREMES = set("maximum minimum fmax fmin".split())
JOINS = set("cat concat concatenate stack hstack vstack dstack column_stack".split())
# They hold the values of the first operand, and take only shape or format from the second.
LIKE = set("to type_as expand_as reshape_as view_as".split())
# f(λx) = λf(x), and nothing of shifts.
HOMOGENEOUS = set(
    "neg abs sum norm std cumsum lp_pool1d lp_pool2d lp_pool3d leaky_relu prelu rrelu relu relu_".split()
)
ACTIVATIONS = set(
    "relu relu_ relu6 leaky_relu prelu rrelu elu celu selu gelu silu mish softplus hardswish".split()
)
SUMS = set("add add_ iadd sub sub_ isub subtract".split())
PRODUCTS = set("mul mul_ imul multiply div div_ truediv itruediv divide true_divide".split())
QUOTIENTS = set("div div_ truediv itruediv divide true_divide".split())
MATRIX = set("matmul mm bmm einsum baddbmm tensordot".split())
LAYERS = set(
    "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d linear bilinear".split()
)
AVERAGES = set("avg_pool1d avg_pool2d avg_pool3d".split())
DROPOUTS = set("dropout dropout1d dropout2d dropout3d".split())
FIXED = set(
    "sigmoid sigmoid_ tanh tanh_ softmax log_softmax softmin hardsigmoid hardtanh clamp clamp_ clip clip_ "
    "pow square exp log sqrt sin cos sign round floor ceil threshold glu erf reciprocal rsqrt".split()
)
DIVIDING = set(
    "batch_norm instance_norm layer_norm group_norm rms_norm normalize local_response_norm".split()
)
ZEROS = set("zeros zeros_like new_zeros".split())
MADE_LIKE = ZEROS | set(
    "ones_like full_like rand_like randn_like empty_like new_ones new_full new_empty".split()
)
MADE = MADE_LIKE | set(
    "ones full empty rand randn randint randperm arange linspace logspace eye tensor as_tensor".split()
)
SIZES = set("size dim numel ndimension stride get_device is_contiguous".split())
ATTRIBUTES = set("shape ndim dtype device is_cuda requires_grad layout".split())
