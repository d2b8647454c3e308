"""Why a model gave its answer for one record, and whether that explanation can be trusted."""
