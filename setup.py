from setuptools import Extension, setup

FLAGS = ["-std=c++17", "-O2", "-ftree-vectorize", "-g0"]


def optional(name, source, flags):
    return Extension(
        f"sparse_core.native.{name}",
        [f"sparse_core/native/{source}"],
        language="c++",
        extra_compile_args=FLAGS + flags,
        optional=True,
    )


# Everything else stands in pyproject.toml. Without a compiler they are silently left out: the
# program is the same, only slower. _native and _straight must give the bits of their twins, so no
# multiplication is joined with an addition.
setup(
    ext_modules=[
        optional("_native", "_native.cpp", ["-ffp-contract=off"]),
        # Its eight sums must stay in registers: without -O3 they go through memory, twice as slow.
        optional("_product", "nm_product.cpp", ["-O3"]),
        optional("_straight", "straight_through.cpp", ["-O3", "-ffp-contract=off"]),
    ]
)
