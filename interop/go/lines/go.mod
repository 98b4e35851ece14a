module flux-cdevents/interop/lines

go 1.26
