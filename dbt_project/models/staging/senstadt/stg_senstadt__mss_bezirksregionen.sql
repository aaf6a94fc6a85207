{{ needs('mss_bezirksregionen') }}
{# Grain: area × Stichtag × merkmal. #}
{{ mss_shares('mss_bezirksregionen') }}
