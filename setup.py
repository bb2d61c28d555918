from setuptools import Extension, setup


def extension(name: str, source: str) -> Extension:
    """A module without dependencies. Optional: without a compiler all works, only slower."""
    return Extension(
        f"sparse_core.native.{name}",
        [f"sparse_core/native/{source}"],
        language="c++",
        # -ffp-contract=off: the sums must give the bits of the numpy twins.
        extra_compile_args=["-std=c++17", "-O2", "-ftree-vectorize", "-ffp-contract=off", "-g0"],
        optional=True,
    )


# Everything else stands in pyproject.toml.
setup(ext_modules=[extension("_native", "_native.cpp"), extension("_product", "nm_product.cpp")])
