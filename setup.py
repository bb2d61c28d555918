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


# Everything else stands in pyproject.toml. Without a compiler both are silently left out: the
# program is the same, only slower. The sums of _native must give the bits of their numpy twins,
# so no multiplication is joined with an addition.
setup(
    ext_modules=[
        optional("_native", "_native.cpp", ["-ffp-contract=off"]),
        # Its eight sums must stay in registers: without -O3 they go through memory, twice as slow.
        optional("_product", "nm_product.cpp", ["-O3"]),
    ]
)
