internal import Diffusion
internal import PlainText

extension AutoencoderFacts {
    /// What there is to say of an autoencoder that lies by itself.
    var entries: [FileReport.Entry] {
        let kind = isTiny ? "tiny autoencoder (TAESD)" : "autoencoder alone"
        let latents = "\(latentChannels.of("channel")) at 1/\(scaleFactor) of the picture's size"
        var entries: [FileReport.Entry] = [
            .init(label: "kind", text: kind, name: "kind", value: .text(isTiny ? "tinyAutoencoder" : "autoencoder")),
            .init(
                label: "latents", text: latents + (models.map { ", those of \($0)" } ?? ""), name: "latents",
                value: .object(
                    JSONObject([("channels", .integer(latentChannels)), ("scaleFactor", .integer(scaleFactor))]))),
            .init(
                label: "scale", text: latentScale?.shortText ?? "not stated; that of the model that it is given to",
                name: "latentScale", value: latentScale.map { .number(Double($0)) } ?? .null),
            .init(
                label: "parameters", text: Figures.count(parameters), name: "parameters", value: .integer(parameters)),
        ]
        if !halves.isEmpty {
            entries.append(
                .init(
                    label: "files", text: halves.joined(separator: "\n"), name: "files",
                    value: .list(halves.map { .text($0) })))
        }
        let use: Sentence =
            "not a model by itself: \(.vae) takes it in place of a model's own"
            + (isTiny ? ", \(.previewVae) for live previews" : "")
        entries.append(.init(label: "use", sentence: use, name: "use", value: .sentence(use)))
        return entries
    }

    /// The models that have such latents, where released ones do.
    private var models: String? {
        guard scaleFactor == 8 else { return nil }
        switch (latentChannels, latentScale) {
        case (4, 0.18215?): return "Stable Diffusion 1.x and 2.x"
        case (4, 0.13025?): return "Stable Diffusion XL"
        case (4, _): return "Stable Diffusion 1.x, 2.x or XL, which shapes do not tell apart"
        case (16, _): return "Stable Diffusion 3 or Flux, which cannot be used yet"
        case (32, _): return "Flux 2, which cannot be used yet"
        default: return nil
        }
    }
}
