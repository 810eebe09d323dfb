// The container registry, the project's right to pull from it, and the connection by which the
// project finds it.

@description('Region of the registry.')
param location string
@description('Tags of all resources.')
param tags object
@description('Name of the registry: 5 to 50 letters and digits.')
@minLength(5)
@maxLength(50)
param registryName string
@description('Name of the Foundry account.')
param accountName string
@description('Name of its project.')
param projectName string
@description('Object id of the project\'s own identity.')
param projectPrincipalId string

var acrPull = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '7f951dda-4ed3-4680-a7ca-43fe172d538d'
)

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' = {
  name: registryName
  location: location
  tags: tags
  sku: {
    name: 'Basic'
  }
  properties: {
    adminUserEnabled: false
    policies: {
      // Foundry pulls with a token for Azure Resource Manager.
      azureADAuthenticationAsArmPolicy: {
        status: 'enabled'
      }
    }
  }
}

resource projectPullsImages 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, projectPrincipalId, acrPull)
  scope: registry
  properties: {
    principalId: projectPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: acrPull
  }
}

// By the version that azd pins: with 2025-06-01, Azure answers MissingApiVersionParameter to a
// connection with a registry.
resource account 'Microsoft.CognitiveServices/accounts@2025-04-01-preview' existing = {
  name: accountName
}

resource project 'Microsoft.CognitiveServices/accounts/projects@2025-04-01-preview' existing = {
  parent: account
  name: projectName
}

resource connection 'Microsoft.CognitiveServices/accounts/projects/connections@2025-04-01-preview' = {
  parent: project
  name: '${registryName}-conn'
  properties: {
    category: 'ContainerRegistry'
    target: registry.properties.loginServer
    authType: 'ManagedIdentity'
    // No secrets: who signs in, and to what.
    credentials: {
      clientId: projectPrincipalId
      resourceId: registry.id
    }
    isSharedToAll: true
    metadata: {
      ResourceId: registry.id
    }
  }
  dependsOn: [
    projectPullsImages
  ]
}

output registryId string = registry.id
output loginServer string = registry.properties.loginServer
output connectionName string = connection.name
