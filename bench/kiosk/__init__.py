"""The running kiosk under load: started as a clinic starts it, asked over its socket, killed."""
