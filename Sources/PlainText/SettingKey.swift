/// What an edit can be told beside its words and pictures, by the name that JSON has for it.
///
/// Sentences name settings by these keys (`Sentence`); each front end spells them in its own way (`SettingNaming`).
public enum SettingKey: String, Sendable, Hashable, CaseIterable {
    // What is edited.
    case mode, picture, masks, protected, prompt, negativePrompt
    // The canvas.
    case left, right, top, bottom, size, aspect, zoomOut, anchor, panel
    // How many, and from which noise.
    case count, batchSize, seed, rng
    // The way from noise to picture.
    case steps, guidance, imageGuidance, guidanceRescale, guidanceInterval, reuseFeatures, reuseKnown, strength
    case sampler, schedule, knownLatents, coherence, coherenceMethod
    // The masked part.
    case area, padding, grow, feather, fill, detail, composite, blend, tileable, alpha
    case maskMeans, fitMask
    // Progress and limits.
    case livePreviewInterval, maxPixels, maxMemory
    // The model, and what is added to it.
    case model, vae, previewVae, precision, threads, lora, embedding
    // Where results go.
    case output, force, livePreview
    // What masks are made from.
    case font, from, to, include, exclude
    // Which of a model's files are fetched.
    case file
}
