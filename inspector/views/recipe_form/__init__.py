"""The form in which a training is chosen."""

from inspector.views.recipe_form.form import RecipeForm

__all__ = ["RecipeForm"]
