{# Figures and classes of all feeds in one shape. #}
{{ union_of_feeds('lieferwert', lieferwert_feeds()) }}
