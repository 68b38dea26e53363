"""Which operations make the host wait for a GPU, and which of them are delicate: by ATen name, without overload."""

#: Kernels whose number of results only the device knows.
COUNTED = {"nonzero", "masked_select", "_unique2", "unique_dim", "unique_consecutive", "equal", "bincount"}
INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index", "_unsafe_index_put"}

#: Without a deterministic form on CUDA: `torch.use_deterministic_algorithms` lists them.
LOOSE = {
    "upsample_linear1d_backward",
    "upsample_bilinear2d_backward",
    "_upsample_bilinear2d_aa_backward",
    "upsample_bicubic2d_backward",
    "upsample_trilinear3d_backward",
    "reflection_pad1d_backward",
    "reflection_pad2d_backward",
    "grid_sampler_2d_backward",
    "grid_sampler_3d_backward",
    "avg_pool3d_backward",
    "_adaptive_avg_pool2d_backward",
    "adaptive_max_pool2d_backward",
    "histc",
    "kthvalue",
    "put_",
    "_scaled_dot_product_flash_attention_backward",
    "_scaled_dot_product_efficient_attention_backward",
}

#: The host side of packed sequences: lengths and batch sizes are CPU tensors on a real GPU, too.
LENGTHS = {"_pack_padded_sequence", "_pad_packed_sequence", "gru", "lstm"}

#: Work of the training loop between two steps, by function: its file, and the stage it is counted in.
BETWEEN = {
    "_run_validation": ("training_loop.py", "validate"),
    "_flush": ("training_loop.py", "flush"),
    "show": ("progress.py", "flush"),
    "_save": ("training_loop.py", "checkpoint"),
    "_restore": ("training_loop.py", "checkpoint"),
}
