'use strict';

// The daemon is the only one that is asked: no validator of others, no link shared by a query.
window.addEventListener('load', () => {
	window.ui = SwaggerUIBundle({
		url: 'openapi.json',
		dom_id: '#page',
		deepLinking: true,
		displayRequestDuration: true,
		docExpansion: 'list',
		defaultModelsExpandDepth: 0,
		filter: true,
		queryConfigEnabled: false,
		validatorUrl: null,
	});
});
