{{ indikator(fallzahl('seu_bmi_ueber_p90'), fallzahl('seu_gemessene')) }}
